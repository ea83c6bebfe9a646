/** What an apiserver's cache holds, as it lists it. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { JsonObject } from '@periplus/api/meta';
import type { StreamName } from '@periplus/log/event-log';
import { parseJson } from '@periplus/api/schema';
import { canonicalHashOf } from '@periplus/view/verification';

export interface ListedObject {
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly apiVersion: string;
  readonly hash: string;
}

export interface ListedKind {
  readonly group: string;
  readonly resource: string;
  readonly apiVersion: string;
}

export interface ApiserverClient {
  readonly address: string;
  /** `at`: exactly as of a revision; absent: the newest. Rejects with `ApiserverError`. */
  list(kind: ListedKind, at: number | undefined): Promise<readonly ListedObject[]>;
  /** The last revision of a stream that its cache has. Rejects with `ApiserverError`. */
  position(stream: StreamName): Promise<number>;
  close(): void;
}

export class ApiserverError extends Error {
  readonly code = 'APISERVER';
}

export interface Credentials {
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

/** A list of any kind of a stream says where the stream is. */
const positionPaths: Readonly<Record<StreamName, string>> = {
  objects: '/api/v1/namespaces',
  leases: '/apis/coordination.k8s.io/v1/leases',
  events: '/api/v1/events',
};

const pageSize = 500;
const answerLimitMs = 30_000;
const answerBytesMax = 1 << 30;

export function connectApiserver(address: string, credentials: Credentials): ApiserverClient {
  const read = (file: string | undefined): Buffer | undefined => (file === undefined ? undefined : readFileSync(file));
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 1,
    ca: read(credentials.caFile),
    cert: read(credentials.certFile),
    key: read(credentials.keyFile),
  });

  function get(path: string): Promise<JsonObject> {
    return new Promise((resolve, reject) => {
      const fail = (why: string, cause?: unknown): void => reject(new ApiserverError(`${address}: ${why}`, { cause }));
      const asked = request(
        `${address}${path}`,
        { agent, headers: { accept: 'application/json' }, timeout: answerLimitMs },
        (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > answerBytesMax) asked.destroy(new Error('the answer is too long'));
            else chunks.push(chunk);
          });
          response.on('error', (error) => fail(error.message, error));
          response.on('end', () => {
            const parsed = parseJson(Buffer.concat(chunks));
            if (!parsed.ok) return fail(`${path} is answered with no JSON: ${parsed.error}`);
            const answer = parsed.value as JsonObject;
            if (response.statusCode === 200) return resolve(answer);
            return fail(`${path} is answered with ${response.statusCode}: ${String(answer['message'])}`);
          });
        },
      );
      asked.on('timeout', () => asked.destroy(new Error(`no answer within ${answerLimitMs / 1_000} s`)));
      asked.on('error', (error) => fail(error.message, error));
      asked.end();
    });
  }

  function toListed(item: JsonObject, apiVersion: string): ListedObject {
    const metadata = (item['metadata'] ?? {}) as Readonly<Record<string, string | undefined>>;
    return {
      namespace: metadata['namespace'] ?? '',
      name: metadata['name'] ?? '',
      revision: Number(metadata['resourceVersion']),
      apiVersion: (item['apiVersion'] as string | undefined) ?? apiVersion,
      hash: canonicalHashOf(item),
    };
  }

  return {
    address,
    async list({ resource, apiVersion }, at) {
      const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
      const listed: ListedObject[] = [];
      let token = '';
      do {
        const query = new URLSearchParams({ limit: String(pageSize) });
        if (token !== '') query.set('continue', token);
        else if (at !== undefined) {
          query.set('resourceVersion', String(at));
          query.set('resourceVersionMatch', 'Exact');
        }
        const answer = await get(`${root}/${resource}?${query.toString()}`);
        for (const item of answer['items'] as readonly JsonObject[]) listed.push(toListed(item, apiVersion));
        token = ((answer['metadata'] as JsonObject)['continue'] as string | undefined) ?? '';
      } while (token !== '');
      return listed;
    },
    async position(stream) {
      const answer = await get(`${positionPaths[stream]}?limit=1&resourceVersion=0`);
      return Number((answer['metadata'] as JsonObject)['resourceVersion']);
    },
    close: () => agent.destroy(),
  };
}
