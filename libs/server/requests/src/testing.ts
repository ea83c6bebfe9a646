/** A whole server in a test: the pipeline over the model of the log, on a virtual clock that `run` drives. */
import type { Json, KubeObject } from '@periplus/api/meta';
import { encodeJson } from '@periplus/api/schema';
import { createSeededRandom, createVirtualTime, type VirtualTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { createMemoryLog, type MemoryLog, type MemoryLogOptions } from '@periplus/log/event-log/testing';
import { createSealer } from '@periplus/log/object-events';
import { createMemoryKeyStore } from '@periplus/log/object-events/testing';
import { AUTHENTICATED_GROUP, MASTERS_GROUP, type UserInfo } from '@periplus/server/authn';
import type { ApiRequest, RequestTarget, RequestVerb } from './api-request.js';
import type { ApiResult } from './api-result.js';
import { createServerCore, type ServerCore, type ServerCoreOptions } from './server-core.js';

export const adminUser: UserInfo = {
  name: 'admin',
  uid: '',
  groups: [MASTERS_GROUP, AUTHENTICATED_GROUP],
  extra: new Map(),
};

export interface TestRequest extends Partial<Omit<ApiRequest, 'target' | 'body' | 'verb'>> {
  readonly verb: RequestVerb;
  /** `apps/v1/deployments`, `v1/pods/status`: group and version, resource, subresource. */
  readonly path: string;
  readonly namespace?: string;
  readonly name?: string;
  /** Sent as JSON. */
  readonly object?: unknown;
  readonly mediaType?: string;
}

export interface TestServer {
  readonly core: ServerCore;
  readonly log: MemoryLog;
  readonly time: VirtualTime;
  /** Lets virtual time pass, timer by timer, until the promise is settled. */
  run<T>(promise: Promise<T>): Promise<T>;
  /** Lets happen what is due now. */
  settle(): Promise<void>;
  request(request: TestRequest): ApiRequest;
  handle(request: TestRequest): Promise<ApiResult>;
  /** The object of an object result. */
  object<T extends KubeObject = KubeObject>(request: TestRequest): Promise<T>;
}

export interface TestServerOptions extends Partial<Omit<ServerCoreOptions, 'log' | 'time' | 'random'>> {
  readonly logOptions?: Partial<MemoryLogOptions>;
  /** Another server of the same cluster: on its log and its clock. */
  readonly beside?: Pick<TestServer, 'log' | 'time'>;
}

function parsePath(path: string): Pick<RequestTarget, 'group' | 'version' | 'resource' | 'subresource'> {
  const parts = path.split('/');
  const at = parts.findIndex((part) => /^v\d/.test(part));
  const [version = '', resource = '', subresource = ''] = parts.slice(at);
  return { group: parts.slice(0, at).join('/'), version, resource, subresource };
}

/** After one macrotask every microtask has run: nothing more can happen until a timer. */
// eslint-disable-next-line no-restricted-globals -- the loop that drives a test stands outside of what it drives.
const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const timersMax = 100_000;

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { beside, logOptions, ...coreOptions } = options;
  const time = beside?.time ?? createVirtualTime(Date.UTC(2026, 0, 1));
  const random = createSeededRandom(beside === undefined ? 7 : 8);
  const log = beside?.log ?? createMemoryLog({ time, ...logOptions });
  const core = createServerCore({
    log,
    sealer: createSealer({ keyStore: createMemoryKeyStore(), clusterKey: new Uint8Array(32), random }),
    serviceClusterIpRange: '10.96.0.0/16',
    serviceNodePortRange: '30000-32767',
    clusterId: 'test',
    time,
    random,
    logger: silentLogger,
    ...coreOptions,
  });
  let requests = 0;

  async function run<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const marked = promise.finally(() => {
      isSettled = true;
    });
    marked.catch(() => undefined);
    for (let timers = 0; timers < timersMax; timers++) {
      await drain();
      if (isSettled) return marked;
      if (!time.runNext()) break;
    }
    await drain();
    if (isSettled) return marked;
    throw new Error('nothing is left to happen, and the promise is not settled');
  }

  const server: TestServer = {
    core,
    log,
    time,
    run,
    async settle() {
      for (let turn = 0; turn < 20; turn++) {
        time.advance(0);
        await drain();
      }
    },
    request({ verb, path, namespace = '', name = '', object, mediaType = 'application/json', ...rest }) {
      requests += 1;
      return {
        requestId: `request-${requests}`,
        user: adminUser,
        userAgent: 'test/1',
        verb,
        target: { ...parsePath(path), namespace, name },
        options: {},
        context: {},
        warn: () => undefined,
        deadline: time.monotonic() + 30_000,
        ...(object === undefined ? {} : { body: { mediaType, bytes: Buffer.from(encodeJson(object as Json)) } }),
        ...rest,
      };
    },
    handle: (request) => run(core.handler.handle(server.request(request))),
    async object<T extends KubeObject>(request: TestRequest) {
      const result = await server.handle(request);
      if (result.type !== 'object') throw new Error(`expected an object, got ${JSON.stringify(result)}`);
      return result.object.object() as T;
    },
  };
  await run(core.start());
  return server;
}
