/** `/livez`, `/readyz` and `/metrics` of a service, on a Unix socket or a TCP address. */
import { chmod, unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { collectDefaultMetrics, type Registry } from 'prom-client';
import { answerHealth, type HealthChecks } from './health-answer.js';

export interface HealthServerOptions {
  /** `unix:/path/to.sock` or `host:port`. */
  readonly address: string;
  /** Named checks of readiness, listed by `/readyz?verbose`. */
  readonly checks: HealthChecks;
  readonly registry: Registry;
  /** What whoever runs the service should know though all is well, in a header of `/readyz`; ASCII. */
  note?(): string | undefined;
}

export interface HealthServer {
  close(): Promise<void>;
}

export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  collectDefaultMetrics({ register: options.registry });
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      response.writeHead(500).end(`${String(error)}\n`);
    });
  });
  server.requestTimeout = 10_000;
  const path = options.address.startsWith('unix:') ? options.address.slice('unix:'.length) : undefined;
  if (path !== undefined) {
    await unlink(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if (path !== undefined) server.listen(path, resolve);
    else {
      const separator = options.address.lastIndexOf(':');
      server.listen(Number(options.address.slice(separator + 1)), options.address.slice(0, separator), resolve);
    }
  });
  if (path !== undefined) await chmod(path, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(options: HealthServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname === '/metrics') {
    response.writeHead(200, { 'content-type': options.registry.contentType }).end(await options.registry.metrics());
    return;
  }
  const isHealth = /^\/(livez|readyz)\b/.test(pathname);
  const health = isHealth
    ? await answerHealth(options.checks, { path: pathname, query: searchParams }, 'shown')
    : undefined;
  const note = options.note?.();
  const headers = note === undefined ? {} : { 'periplus-note': note };
  if (health) response.writeHead(health.code, { 'content-type': health.contentType, ...headers }).end(health.text);
  else response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
}
