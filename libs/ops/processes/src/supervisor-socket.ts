/** The supervisor's door: HTTP over a Unix socket that only its owner may use; and the client for it. */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { ServiceSpec, ServiceStatus } from './service-spec.js';
import type { Supervisor } from './supervisor.js';

const bodyBytesMax = 4 << 20;

export interface SupervisorInfo {
  readonly pid: number;
  /** Of the program that supervises. */
  readonly version: string;
  readonly services: readonly ServiceStatus[];
}

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyBytesMax) throw new Error(`the body is larger than ${bodyBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Serves until closed. `leave` is called, after the answer, when a client asks the supervisor to end. */
export function serveSupervisor(
  supervisor: Supervisor,
  options: { readonly socketPath: string; readonly version: string; readonly leave: () => void },
): Promise<Server> {
  const answer = async (message: IncomingMessage): Promise<unknown> => {
    const body = await readBody(message);
    switch (`${message.method} ${message.url}`) {
      case 'GET /status':
        return { pid: process.pid, version: options.version, services: await supervisor.status() };
      case 'POST /apply':
        return supervisor.apply(JSON.parse(body) as ServiceSpec[]);
      case 'POST /stop':
        return supervisor.stop(body === '' ? undefined : (JSON.parse(body) as string[]));
      case 'POST /leave':
        return undefined;
      default:
        throw new Error(`there is no ${message.method} ${message.url}`);
    }
  };
  const server = createServer((message, response) => {
    answer(message).then(
      (result) => {
        response.end(JSON.stringify(result ?? null));
        if (message.url === '/leave') response.on('finish', options.leave);
      },
      (error: unknown) => {
        response.statusCode = 500;
        response.end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
      },
    );
  });
  server.requestTimeout = 0;
  return new Promise((resolve, reject) => {
    rmSync(options.socketPath, { force: true });
    server.once('error', reject);
    server.listen(options.socketPath, () => {
      chmodSync(options.socketPath, 0o600);
      resolve(server);
    });
  });
}

/** How a call ends when nobody is there, or when it left just now. */
const gone: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE']);

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && gone.has(code);
}

export class SupervisorError extends Error {
  readonly code = 'SupervisorFailed';
}

/** It runs, but does not answer. */
export class SupervisorSilentError extends Error {
  readonly code = 'SupervisorSilent';
}

/** It is not there, or ended in the middle of a call. */
export class SupervisorGoneError extends Error {
  readonly code = 'SupervisorGone';
}

/** Calls fail with `SupervisorGoneError` when it ends meanwhile, and `SupervisorSilentError` when it does not answer. */
export interface SupervisorClient {
  /** Undefined when no supervisor runs. */
  status(): Promise<SupervisorInfo | undefined>;
  apply(specs: readonly ServiceSpec[]): Promise<void>;
  stop(names?: readonly string[]): Promise<void>;
  /** Ends the supervisor, not the services. */
  leave(): Promise<void>;
}

const callTimeoutMs = 60_000;
/** It asks each service, and waits up to 2 s for an answer. */
const statusTimeoutMs = 5_000;

export function createSupervisorClient(socketPath: string): SupervisorClient {
  const call = (method: string, path: string, body?: unknown, timeoutMs = callTimeoutMs): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const fail = (error: Error) =>
        reject(isGone(error) ? new SupervisorGoneError('the supervisor is gone', { cause: error }) : error);
      // A connection of its own for each call: one that is kept might be to a supervisor that left.
      const outgoing = request({ socketPath, method, path, timeout: timeoutMs, agent: false }, (response) => {
        readBody(response).then((text) => {
          const result: unknown = JSON.parse(text);
          if (response.statusCode === 200) resolve(result);
          else reject(new SupervisorError((result as { error: string }).error));
        }, fail);
      });
      outgoing.on('timeout', () =>
        outgoing.destroy(new SupervisorSilentError(`the supervisor does not answer in ${timeoutMs / 1000} s`)),
      );
      outgoing.on('error', fail);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  return {
    async status() {
      try {
        return (await call('GET', '/status', undefined, statusTimeoutMs)) as SupervisorInfo;
      } catch (error) {
        if (error instanceof SupervisorGoneError) return undefined;
        throw error;
      }
    },
    async apply(specs) {
      await call('POST', '/apply', specs);
    },
    async stop(names) {
      await call('POST', '/stop', names);
    },
    async leave() {
      await call('POST', '/leave').catch((error: unknown) => {
        // It may be gone before its answer is read.
        if (!(error instanceof SupervisorGoneError)) throw error;
      });
    },
  };
}
