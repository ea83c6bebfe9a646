/** Probes over the node's network: HTTP and HTTPS requests, TCP connections, gRPC health checks. No proxy is ever used. */
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect } from 'node:net';
import type { HttpTarget, Prober, ProbeOutcome } from '@periplus/node/pod-lifecycle';
import { checkGrpcHealth } from './grpc-health-check.js';

const BODY_BYTES_MAX = 10_240;
const REDIRECTS_MAX = 10;

const failure = (output: string): ProbeOutcome => ({ result: 'failure', output });

function urlOf(target: HttpTarget): URL | undefined {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  const path = target.path.startsWith('/') ? target.path : `/${target.path}`;
  const text = `${target.scheme.toLowerCase()}://${host}:${target.port}${path}`;
  return URL.canParse(text) ? new URL(text) : undefined;
}

function headersOf(target: HttpTarget): Record<string, string | string[]> {
  const headers = new Map<string, [string, string[]]>();
  for (const [name, value] of [
    ['User-Agent', 'kube-probe/1.35'],
    ['Accept', '*/*'],
  ] as const)
    headers.set(name.toLowerCase(), [name, [value]]);
  const own = new Map<string, [string, string[]]>();
  for (const { name, value } of target.headers) {
    const known = own.get(name.toLowerCase());
    if (known) known[1].push(value);
    else own.set(name.toLowerCase(), [name, [value]]);
  }
  const all = [...headers, ...own].map(([, [name, values]]) => [
    name,
    values.length === 1 ? (values[0] ?? '') : values,
  ]);
  return Object.fromEntries(all);
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

function ask(url: URL, headers: Record<string, string | string[]>, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { method: 'GET', headers, agent: false, signal } as const;
    const onAnswer = (answer: IncomingMessage): void => {
      const chunks: Buffer[] = [];
      let size = 0;
      const finish = (): void => {
        const body = Buffer.concat(chunks).subarray(0, BODY_BYTES_MAX).toString('utf8');
        resolve({ status: answer.statusCode ?? 0, location: answer.headers.location, body });
      };
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size < BODY_BYTES_MAX) return;
        finish();
        answer.destroy();
      });
      answer.on('end', finish);
      answer.on('error', reject);
    };
    let pending: ClientRequest;
    try {
      pending =
        url.protocol === 'https:'
          ? requestHttps(url, { ...options, rejectUnauthorized: false }, onAnswer)
          : requestHttp(url, options, onAnswer);
    } catch (error) {
      reject(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    pending.on('error', reject);
    pending.end();
  });
}

async function probeHttp(target: HttpTarget, timeoutMs: number): Promise<ProbeOutcome> {
  const first = urlOf(target);
  if (!first) return failure(`"${target.host}" and "${target.path}" make no URL`);
  const signal = AbortSignal.timeout(timeoutMs);
  let url: URL = first;
  try {
    for (let redirects = 0; ; redirects++) {
      const { status, location, body } = await ask(url, headersOf(target), signal);
      if (status >= 300 && status < 400 && location !== undefined) {
        if (!URL.canParse(location, url.href)) return failure(`redirected to "${location}", which is no URL`);
        const next: URL = new URL(location, url);
        const foreign = next.hostname !== first.hostname;
        if (foreign) return { result: 'warning', output: `Probe terminated redirects, Response body: ${body}` };
        if (redirects >= REDIRECTS_MAX)
          return { result: 'warning', output: `stopped after ${REDIRECTS_MAX} redirects` };
        url = next;
        continue;
      }
      if (status >= 200 && status < 400) return { result: 'success', output: body };
      return failure(`HTTP probe failed with statuscode: ${status}`);
    }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const late = signal.aborted ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)' : text;
    return failure(`Get "${first.href}": ${late}`);
  }
}

function probeTcp(host: string, port: number, timeoutMs: number): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const settle = (outcome: ProbeOutcome): void => {
      socket.destroy();
      resolve(outcome);
    };
    socket.once('connect', () => settle({ result: 'success', output: '' }));
    socket.once('timeout', () => settle(failure(`dial tcp ${host}:${port}: i/o timeout`)));
    socket.once('error', (error) => settle(failure(`dial tcp ${host}:${port}: ${error.message}`)));
  });
}

export function createNetworkProber(): Prober {
  return {
    probe(target, timeoutMs) {
      switch (target.kind) {
        case 'http':
          return probeHttp(target, timeoutMs);
        case 'tcp':
          return probeTcp(target.host, target.port, timeoutMs);
        case 'grpc':
          return checkGrpcHealth(target.host, target.port, target.service, timeoutMs);
      }
    },
  };
}
