/** The cluster's REST API, as the CLI uses it: JSON over HTTPS with the administrator's certificate. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import type { ClusterPaths, ClusterPlan } from '@periplus/ops/dependencies';
import { commandLine } from '../cluster/context.js';

const bodyBytesMax = 256 << 20;

export interface RestResponse {
  readonly status: number;
  readonly body: unknown;
}

export interface RestRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
  readonly accept?: string;
  readonly timeoutMs?: number;
}

/** What went wrong on the way; an answer of the server, whatever it says, is none. */
export class ApiUnreachableError extends Error {
  readonly code = 'ApiUnreachable';
}

export interface RestClient {
  /** Resolves with any answer. */
  send(request: RestRequest): Promise<RestResponse>;
  close(): void;
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function createRestClient(plan: ClusterPlan, paths: ClusterPaths): RestClient {
  const read = (file: string) => readFileSync(join(paths.pki, file));
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 8,
    ca: read('ca.crt'),
    cert: read('admin.crt'),
    key: read('admin.key'),
  });
  const { apiserver: port } = plan.ports;
  return {
    send({
      method = 'GET',
      path,
      body,
      contentType = 'application/json',
      accept = 'application/json',
      timeoutMs = 30_000,
    }) {
      return new Promise((resolve, reject) => {
        const fail = (error: Error) =>
          reject(
            new ApiUnreachableError(
              `the apiserver does not answer: ${error.message} (see ${commandLine('status', plan.name)})`,
              { cause: error },
            ),
          );
        const headers = {
          accept,
          'user-agent': 'periplus-cli',
          ...(body === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }),
        };
        const call = request(
          { agent, host: '127.0.0.1', port, method, path, headers, timeout: timeoutMs },
          (response) => {
            const chunks: Buffer[] = [];
            let size = 0;
            response.on('data', (chunk: Buffer) => {
              size += chunk.length;
              if (size > bodyBytesMax) call.destroy(new Error('the answer is too large'));
              chunks.push(chunk);
            });
            response.on('error', fail);
            response.on('end', () => {
              resolve({ status: response.statusCode ?? 0, body: parseBody(Buffer.concat(chunks).toString()) });
            });
          },
        );
        call.on('timeout', () => call.destroy(new Error(`no answer in ${timeoutMs / 1000} s`)));
        call.on('error', fail);
        call.end(body);
      });
    },
    close: () => agent.destroy(),
  };
}

/** The message of a Status, or of whatever else was answered. */
export function describeStatus({ status, body }: RestResponse): string {
  const message = typeof body === 'object' && body !== null ? (body as { message?: unknown }).message : body;
  return typeof message === 'string' && message !== '' ? message : `the apiserver answered ${status}`;
}
