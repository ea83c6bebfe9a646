/** HTTP/2 clients of a running cluster's apiserver, with the administrator's certificate. */
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { join } from 'node:path';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export interface RequestOptions {
  /** Sent as JSON. */
  readonly body?: object;
  readonly contentType?: string;
  readonly accept?: string;
}

export interface ApiSession {
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  /** Calls `onChunk` with each piece of a streamed body; the result ends the stream. */
  stream(path: string, onChunk: (chunk: Buffer) => void): Promise<() => void>;
  close(): void;
}

export interface ClusterAccess {
  readonly url: string;
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** A cluster's port and certificates are in its folder; only root may read them. */
export function clusterAccess(name: string): ClusterAccess {
  const folder = join('/var/lib/periplus', name);
  const { ports } = JSON.parse(readFileSync(join(folder, 'cluster.json'), 'utf8')) as { ports: { apiserver: number } };
  const pki = (file: string): Buffer => readFileSync(join(folder, 'pki', file));
  return {
    url: `https://127.0.0.1:${ports.apiserver}`,
    ca: pki('ca.crt'),
    cert: pki('admin.crt'),
    key: pki('admin.key'),
  };
}

export async function openSession(access: ClusterAccess): Promise<ApiSession> {
  const session: ClientHttp2Session = connect(access.url, { ca: access.ca, cert: access.cert, key: access.key });
  await new Promise<void>((resolve, reject) => {
    session.once('connect', () => resolve());
    session.once('error', reject);
  });
  session.setLocalWindowSize(16 * 1024 * 1024);
  return {
    request(method, path, { body, contentType = 'application/json', accept = 'application/json' } = {}) {
      return new Promise((resolve, reject) => {
        const stream = session.request({
          ':method': method,
          ':path': path,
          'content-type': contentType,
          accept,
        });
        const chunks: Buffer[] = [];
        let status = 0;
        stream.once('response', (headers) => {
          status = Number(headers[':status']);
        });
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.once('end', () => resolve({ status, body: Buffer.concat(chunks) }));
        stream.once('error', reject);
        stream.end(body ? JSON.stringify(body) : undefined);
      });
    },
    stream(path, onChunk) {
      return new Promise((resolve, reject) => {
        const stream = session.request({ ':path': path, accept: 'application/json' });
        stream.once('error', reject);
        stream.on('data', onChunk);
        stream.once('response', (headers) => {
          if (Number(headers[':status']) === 200) resolve(() => stream.close());
          else reject(new Error(`watch refused: ${String(headers[':status'])}`));
        });
        stream.end();
      });
    },
    close: () => session.close(),
  };
}
