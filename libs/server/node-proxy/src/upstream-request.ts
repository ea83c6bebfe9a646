/** One request onward, to a kubelet or to what is proxied: streaming both ways, and upgrades as a relay of bytes. */
import { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { serviceUnavailable } from '@periplus/api/meta';

export interface UpstreamTarget {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** How the other side's certificate is checked, and ours. Absent: unverified, as for proxied pods. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
}

const connectLimitMs = 10_000;
const earlyBytesMax = 64 * 1024;
/** For the client to read why its upgrade was refused. */
const refusalTimeMs = 1_000;
/** As upstream's limit of an idle stream. */
const idleLimitMs = 4 * 3600 * 1000;

export function openRequest(target: UpstreamTarget, method: string, headers: OutgoingHttpHeaders): ClientRequest {
  const options: RequestOptions = {
    method,
    host: target.host,
    port: target.port,
    path: target.path,
    headers,
    agent: false,
  };
  if (target.scheme === 'http') return httpRequest(options);
  return httpsRequest({ ...options, ...(target.tls ?? { rejectUnauthorized: false }), servername: '' });
}

/** The head of the answer; 503 when the other side can't be reached in time. */
export function responseOf(request: ClientRequest, target: UpstreamTarget): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    guardConnect(request);
    request.once('response', resolve);
    request.once('error', (error) => reject(unreachableError(target, error)));
  });
}

function unreachableError(target: UpstreamTarget, error: Error): Error {
  return serviceUnavailable(`error trying to reach ${target.host}:${target.port}: ${error.message}`, 1, error);
}

/** The limit counts until the connection stands; an answer may take its time. */
function guardConnect(request: ClientRequest): void {
  const timer = setTimeout(
    () => request.destroy(new Error(`no connection within ${connectLimitMs} ms`)),
    connectLimitMs,
  );
  const clear = (): void => clearTimeout(timer);
  request.once('socket', (socket) => socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', clear));
  request.once('close', clear);
}

/**
 * Asks the other side for the same upgrade and then relays bytes both ways. An answer that is no upgrade is passed on
 * and ends the connection: nothing may follow on it. Either way this settles once the other side has answered.
 */
export function relayUpgrade(
  target: UpstreamTarget,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const onward = openRequest(target, request.method ?? 'GET', upgradeHeaders(request));
    guardConnect(onward);
    const early = readEarly(socket, head, () => onward.destroy(new Error('the client has gone')));
    onward.once('error', (error) => {
      early.stop();
      reject(unreachableError(target, error));
    });
    onward.once('upgrade', (response, upstream, upstreamHead) => {
      early.stop();
      resolve();
      if (socket.destroyed) {
        upstream.destroy();
        return;
      }
      socket.write(formatHead(response));
      if (upstreamHead.length > 0) socket.write(upstreamHead);
      for (const chunk of early.chunks) upstream.write(chunk);
      join(socket, upstream);
    });
    onward.once('response', (response) => {
      early.stop();
      resolve();
      socket.write(formatHead(response, { connection: 'close' }));
      response.pipe(socket);
      // The client has its answer, or never will: what it still sends is for nobody.
      response.once('close', () => {
        socket.end();
        setTimeout(() => socket.destroy(), refusalTimeMs).unref();
      });
    });
    onward.end();
  });
}

/** Keeps what a client sends before its upgrade has been answered, and notices when it goes: only who reads sees that. */
function readEarly(
  socket: Duplex,
  head: Buffer,
  onGone: () => void,
): { readonly chunks: readonly Buffer[]; stop(): void } {
  const chunks = head.length > 0 ? [head] : [];
  let size = head.length;
  const onData = (chunk: Buffer): void => {
    chunks.push(chunk);
    size += chunk.length;
    if (size > earlyBytesMax) socket.pause();
  };
  socket.on('data', onData);
  socket.once('end', onGone);
  socket.once('close', onGone);
  return {
    chunks,
    stop() {
      socket.off('data', onData);
      socket.off('end', onGone);
      socket.off('close', onGone);
    },
  };
}

/** Either side's end or failure ends the other; back-pressure is pipe's. */
function join(a: Duplex, b: Duplex): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.pipe(to);
    from.once('error', () => to.destroy());
    from.once('close', () => to.destroy());
    if ('setTimeout' in from)
      (from as Duplex & { setTimeout(ms: number, then: () => void): void }).setTimeout(idleLimitMs, () =>
        from.destroy(),
      );
  }
}

const upgradeHeaderNames = [
  'connection',
  'upgrade',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
  'x-stream-protocol-version',
];

/** Only what the upgrade is made of: credentials and cookies stay here. */
function upgradeHeaders(request: IncomingMessage): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  for (const name of upgradeHeaderNames) {
    const values: string[] = [];
    for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
      if (request.rawHeaders[index]!.toLowerCase() === name) values.push(request.rawHeaders[index + 1]!);
    }
    if (values.length > 0) headers[name] = values.length === 1 ? values[0] : values;
  }
  return headers;
}

function formatHead(response: IncomingMessage, overrides: Readonly<Record<string, string>> = {}): string {
  const lines = [`HTTP/1.1 ${response.statusCode ?? 502} ${response.statusMessage ?? ''}`];
  for (let index = 0; index + 1 < response.rawHeaders.length; index += 2) {
    const name = response.rawHeaders[index]!;
    if (!(name.toLowerCase() in overrides) && name.toLowerCase() !== 'transfer-encoding')
      lines.push(`${name}: ${response.rawHeaders[index + 1]!}`);
  }
  for (const [name, value] of Object.entries(overrides)) lines.push(`${name}: ${value}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
