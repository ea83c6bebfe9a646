/** The `ApiClient` over gRPC: reads by call, writes up one stream, watches down streams of their own. */
import { readFileSync } from 'node:fs';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { type KubeObject, toRevision } from '@periplus/api/meta';
import type { Random, Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import type { ObjectTarget, ResourceTarget, WriteContext, TransactingClient } from '@periplus/client/api-client';
import { openConnections } from './connection.js';
import {
  toCreateRequest,
  toDeleteRequest,
  toListRequest,
  toObject,
  toPatchRequest,
  toRef,
  toUpdateRequest,
  toWrite,
  toWriteOptions,
} from './messages.js';
import { createMutateStream } from './mutate-stream.js';
import { createResourceClient, type ResourceClient } from './resource-client.js';
import { createUnaryCalls } from './unary-calls.js';
import { createWatchStreams } from './watch-stream.js';

/** One change of an object, as `history` tells it. */
export interface HistoryEntry {
  readonly revision: number;
  readonly verb: string;
  /** RFC 3339 with microseconds. */
  readonly time: string;
  readonly user: string;
  readonly userAgent: string;
  readonly uid: string;
  readonly changeId: string;
  readonly subresource: string;
  /** Paths that differ from the revision before: `spec.replicas`. */
  readonly changedFields: readonly string[];
}

export interface SdkClient extends TransactingClient {
  /** Newest first; also of an object that is gone. */
  history(target: ObjectTarget, options?: { readonly limit?: number }): Promise<readonly HistoryEntry[]>;
  /** The same calls for one resource: `client.resource<Deployment>('apps/v1', 'deployments').get('default', 'web')`. */
  resource<T extends KubeObject>(apiVersion: string, resource: string): ResourceClient<T>;
  /** Ends watches and calls; nothing is answered after it. */
  close(): void;
}

export interface SdkClientOptions {
  /** `host:port` or `unix:/path`; of several, the next is tried when one is away. */
  readonly address: string | readonly string[];
  /** PEM of the CA that signed the server's certificate, or the file that holds it. */
  readonly ca?: string | Buffer;
  readonly caFile?: string;
  /** PEM of the client's certificate and key, or their files; or a token. */
  readonly cert?: string | Buffer;
  readonly certFile?: string;
  readonly key?: string | Buffer;
  readonly keyFile?: string;
  /** A function is asked before each call, so that tokens may be renewed. */
  readonly token?: string | (() => string);
  /** The name in the server's certificate, where it isn't the address's. */
  readonly serverName?: string;
  /** Who is calling, as the log and audit show it: `kube-scheduler/0.1`. */
  readonly userAgent: string;
  readonly logger: Logger;
  readonly time: Time;
  readonly random: Random;
  /** How long a call may take in all, tries included; 30 s by default. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const TRY_MS = 10_000;
const WRITES_IN_FLIGHT_MAX = 10_000;

function pem(value: string | Buffer | undefined, file: string | undefined): Buffer | null {
  if (value !== undefined) return Buffer.from(value);
  return file === undefined ? null : readFileSync(file);
}

/** Connects lazily; throws when a file can't be read. */
export function createSdkClient(options: SdkClientOptions): SdkClient {
  const tls = credentials.createSsl(
    pem(options.ca, options.caFile),
    pem(options.key, options.keyFile),
    pem(options.cert, options.certFile),
  );
  return createSdkClientOver(tls, options);
}

/** As 128 random bits in hex. */
function newRequestId(random: Random): string {
  return Buffer.from(random.bytes(16)).toString('hex');
}

const describe = (verb: string, target: ResourceTarget & { readonly name?: string }): string =>
  `${verb} ${target.resource} ${[target.namespace, target.name].filter(Boolean).join('/')}`.trimEnd();

/** The client over given channel credentials. */
export function createSdkClientOver(channelCredentials: ChannelCredentials, options: SdkClientOptions): SdkClient {
  const { time, random } = options;
  const { token } = options;
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const connections = openConnections({
    addresses: typeof options.address === 'string' ? [options.address] : options.address,
    credentials: channelCredentials,
    userAgent: options.userAgent,
    ...(token === undefined ? {} : { token: typeof token === 'string' ? () => token : token }),
    ...(options.serverName === undefined ? {} : { serverName: options.serverName }),
  });
  const calls = createUnaryCalls(connections, { totalMs: timeoutMs, tryMs: Math.min(TRY_MS, timeoutMs) }, time, random);
  const watches = createWatchStreams(connections, time, random);
  const writes = createMutateStream({
    connections,
    time,
    random,
    logger: options.logger,
    deadlineMs: timeoutMs,
    inFlightMax: WRITES_IN_FLIGHT_MAX,
  });
  const said = (context: WriteContext | undefined) =>
    toWriteOptions(context ?? {}, context?.requestId ?? newRequestId(random));

  const client: SdkClient = {
    async get(target, wanted = {}) {
      const response = await calls.call(describe('get', target), (stub) => stub.get.bind(stub), {
        ref: toRef(target),
        resourceVersion: wanted.resourceVersion ?? '',
        at: wanted.at ?? '',
      });
      return toObject(response.object);
    },
    async list<T extends KubeObject>(target: ResourceTarget, wanted = {}) {
      const response = await calls.call(
        describe('list', target),
        (stub) => stub.list.bind(stub),
        toListRequest(target, wanted),
      );
      return {
        items: response.items.map((item) => toObject<T>(item)),
        resourceVersion: response.resourceVersion,
        ...(response.continue === '' ? {} : { continue: response.continue }),
      };
    },
    watch: (target, wanted, handler) => watches.watch(target, wanted, handler),
    async create(target, object, context) {
      const value = toCreateRequest(target, object, said(context));
      return toObject(await writes.write(describe('create', target), { $case: 'create', value }));
    },
    async update(target, object, context) {
      const value = toUpdateRequest(target, object, said(context));
      return toObject(await writes.write(describe('update', target), { $case: 'update', value }));
    },
    async patch(target, type, patch, context) {
      const value = toPatchRequest(target, type, patch, context?.force ?? false, said(context));
      return toObject(await writes.write(describe('patch', target), { $case: 'patch', value }));
    },
    async delete(target, wanted = {}) {
      const value = toDeleteRequest(target, wanted, said(wanted));
      return toObject(await writes.write(describe('delete', target), { $case: 'delete', value }));
    },
    async transact(parts, context) {
      const requestId = context?.requestId ?? newRequestId(random);
      const options = toWriteOptions(context ?? {}, requestId);
      const request = { requestId, writes: parts.map((part) => ({ id: 0n, write: toWrite(part, options) })) };
      const what = `transaction of ${parts.length} writes`;
      const { objects } = await calls.call(what, (stub) => stub.transact.bind(stub), request);
      return objects.map((object) => toObject(object));
    },
    async acquireLeadership(election, holder) {
      const request = { election, holder };
      const method = (stub: Parameters<Parameters<typeof calls.call>[1]>[0]) => stub.acquireLeadership.bind(stub);
      const { revision } = await calls.call(`acquire leadership ${election}`, method, request);
      return toRevision(Number(revision));
    },
    async history(target, wanted = {}) {
      const request = { ref: toRef(target), limit: BigInt(wanted.limit ?? 0) };
      const { revisions } = await calls.call(describe('history', target), (stub) => stub.history.bind(stub), request);
      return revisions.map((entry) => ({ ...entry, revision: Number(entry.revision) }));
    },
    resource: (apiVersion, resource) => createResourceClient(client, apiVersion, resource),
    close() {
      watches.close();
      writes.close();
      calls.close();
      connections.close();
    },
  };
  return client;
}
