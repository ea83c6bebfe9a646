/** `/livez`, `/readyz` and `/metrics` of a service, on a Unix socket or a TCP address. */
import { chmod, unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { collectDefaultMetrics, type Registry } from 'prom-client';

/** Resolves when healthy; rejects, or throws, with what is wrong. */
export type HealthCheck = () => void | Promise<void>;

export interface HealthServerOptions {
  /** `unix:/path/to.sock` or `host:port`. */
  readonly address: string;
  /** Named checks of readiness, listed by `/readyz?verbose`. */
  readonly checks: Readonly<Record<string, HealthCheck>>;
  readonly registry: Registry;
}

export interface HealthServer {
  close(): Promise<void>;
}

const checkLimitMs = 2_000;

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
  const url = new URL(request.url ?? '/', 'http://localhost');
  switch (url.pathname) {
    case '/livez':
      response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n');
      return;
    case '/readyz': {
      const results = await Promise.all(Object.entries(options.checks).map(([name, check]) => runCheck(name, check)));
      const failed = results.some((result) => !result.ok);
      const lines = results.map((result) =>
        result.ok ? `[+]${result.name} ok` : `[-]${result.name} failed: ${result.reason}`,
      );
      const text = failed || url.searchParams.has('verbose') ? `${lines.join('\n')}\n` : 'ok\n';
      response.writeHead(failed ? 503 : 200, { 'content-type': 'text/plain' }).end(text);
      return;
    }
    case '/metrics':
      response.writeHead(200, { 'content-type': options.registry.contentType }).end(await options.registry.metrics());
      return;
    default:
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
  }
}

async function runCheck(name: string, check: HealthCheck): Promise<{ name: string; ok: boolean; reason: string }> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${checkLimitMs} ms`)), checkLimitMs);
  });
  try {
    await Promise.race([Promise.resolve().then(check), limit]);
    return { name, ok: true, reason: '' };
  } catch (error) {
    return { name, ok: false, reason: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
