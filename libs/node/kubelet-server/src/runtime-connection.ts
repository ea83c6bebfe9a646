/** A connection to the runtime's streaming server, upgraded to SPDY. */
import { request as requestHttp } from 'node:http';
import type { Duplex } from 'node:stream';
import { RequestRefused } from './server-ports.js';

export interface RuntimeConnection {
  readonly socket: Duplex;
  /** What came right behind the answer. */
  readonly head: Buffer;
  /** The protocol that the runtime chose; '' when it named none. */
  readonly protocol: string;
}

const LIMIT_MS = 10_000;
const ERROR_BYTES_MAX = 4_096;

/** @param protocols offered in order of preference; none for what has no versions. */
export function connectToRuntime(url: string, protocols: readonly string[]): Promise<RuntimeConnection> {
  return new Promise((resolve, reject) => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'SPDY/3.1',
      ...(protocols.length === 0 ? {} : { 'x-stream-protocol-version': [...protocols] }),
    };
    const pending = requestHttp(new URL(url), { method: 'POST', headers, agent: false });
    const timer = setTimeout(() => pending.destroy(new Error(`no answer within ${LIMIT_MS} ms`)), LIMIT_MS);
    const fail = (status: number, text: string): void => {
      clearTimeout(timer);
      reject(new RequestRefused(status, text));
    };
    pending.once('error', (error) => fail(502, error.message));
    pending.once('upgrade', (answer, socket, head) => {
      clearTimeout(timer);
      const protocol = answer.headers['x-stream-protocol-version'];
      resolve({ socket, head, protocol: typeof protocol === 'string' ? protocol : (protocol?.[0] ?? '') });
    });
    pending.once('response', (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => {
        if (text.length < ERROR_BYTES_MAX) text += chunk.toString('utf8');
      });
      answer.once('end', () => fail(answer.statusCode ?? 502, text.trim()));
      answer.once('error', (error) => fail(502, error.message));
    });
    pending.end();
  });
}

/** Bytes both ways, each end's end passed on; back-pressure is pipe's. */
export function joinSockets(one: Duplex, other: Duplex): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.pipe(to);
    from.once('error', () => to.destroy());
    from.once('close', () => to.destroy());
  }
}
