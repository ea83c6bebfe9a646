/**
 * An apiserver without its doors: cache, storage, who may what, and the pipeline, over a log and ports. The app gives it
 * NATS, Postgres and the system's clock, the simulation a model of the log and a virtual clock.
 */
import { builtinSchema, type SchemaTable, type Service } from '@periplus/api/kinds';
import type { Random, Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import { createGroupCommitter, type EventLog, type GroupCommitter, type StreamName } from '@periplus/log/event-log';
import { ensureGenesis, type Sealer, streamNames } from '@periplus/log/object-events';
import {
  type Admission,
  type AdmissionObjects,
  createDefaultAdmission,
  createQuotaLedger,
} from '@periplus/server/admission';
import {
  type Authenticator,
  type CachedObjects,
  createAuthenticator,
  type TokenIssuer,
  type TokenReviewer,
} from '@periplus/server/authn';
import {
  type Authorizer,
  createAuthorizerChain,
  createNodeAuthorizer,
  createRbacAuthorizer,
  mastersAuthorizer,
} from '@periplus/server/authz';
import {
  createCachedObjects,
  createServiceAllocator,
  createStorage,
  type History,
  overlayObjects,
  parseIpRange,
  parsePortRange,
  type Storage,
} from '@periplus/server/storage';
import {
  createWatchCache,
  type SnapshotSource,
  type WatchCache,
  type WatchCacheOptions,
} from '@periplus/view/watch-cache';
import { bootstrapCluster, type BootstrapOptions } from './bootstrap/bootstrap-cluster.js';
import { createRequestHandler } from './create-request-handler.js';
import { createObjectConversion } from './object-conversion.js';
import { createQuotaUpdate } from './quota-update.js';
import type { RequestHandler } from './request-handler.js';

export interface ServerCoreOptions {
  readonly table?: SchemaTable;
  readonly log: EventLog;
  readonly sealer: Sealer;
  /** Where the cache starts from; without it the whole log is read. */
  readonly snapshots?: SnapshotSource;
  readonly history?: History;
  /** Made once the cache is there to look bindings up in. Absent: no tokens. */
  createTokens?(objects: CachedObjects): TokenIssuer & TokenReviewer;
  readonly serviceClusterIpRange: string;
  readonly serviceNodePortRange: string;
  /** Under which the `kubernetes` Service reaches this server; absent: the Service gets no endpoints. */
  readonly advertise?: { readonly address: string; readonly port: number };
  /** By name; see `choosePlugins` of admission. */
  readonly disabledPlugins?: ReadonlySet<string>;
  /** PEM of the clients' CA, published for extension servers. */
  readonly clientCa?: string;
  /** How much of the newest changes the cache keeps; what is older is read from history. */
  readonly window?: WatchCacheOptions['window'];
  /** Given to a new log; an old one keeps its own. */
  readonly clusterId: string;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
}

export interface ServerCore {
  readonly handler: RequestHandler;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly storage: Storage;
  readonly cache: WatchCache;
  /** Resolves when the cache has caught up with the log and what every cluster begins with is there. */
  start(): Promise<void>;
  /** Throws while the server can't serve. */
  check(): void;
  /** Ends watches, answers what is in the queue, and leaves the log to its owner. */
  stop(): Promise<void>;
}

export function createServerCore(options: ServerCoreOptions): ServerCore {
  const { table = builtinSchema, log, sealer, time, random, logger } = options;
  const cache = createWatchCache({
    log,
    sealer,
    time,
    random,
    logger,
    ...(options.snapshots ? { snapshots: options.snapshots } : {}),
    ...(options.window ? { window: options.window } : {}),
  });
  const committers = Object.fromEntries(
    streamNames.map((stream) => [stream, createGroupCommitter({ log, stream, view: cache, time, random })]),
  ) as Record<StreamName, GroupCommitter>;
  const clusterIps = parseIpRange(options.serviceClusterIpRange);
  const services = createServiceAllocator({
    cache,
    clusterIps,
    nodePorts: parsePortRange(options.serviceNodePortRange),
    time,
    random,
  });
  const storage = createStorage({
    table,
    log,
    committers,
    cache,
    history: options.history,
    sealer,
    conversion: createObjectConversion(table),
    time,
    random,
    release: (kind, object) =>
      kind.group === '' && kind.resource === 'services' ? services.release(object as Service) : [],
  });
  const objects = createCachedObjects(cache);
  const rbac = createRbacAuthorizer(objects);
  const authorizer = createAuthorizerChain([mastersAuthorizer, createNodeAuthorizer(objects), rbac]);
  const refreshLimitMs = 5_000;
  const fresh: AdmissionObjects = {
    ...objects,
    refresh: () => storage.barrier.pass('objects', time.monotonic() + refreshLimitMs),
  };
  const quotas = createQuotaLedger(createQuotaUpdate(table, storage, time, random));
  const admissionOver = (seen: AdmissionObjects): Admission =>
    createDefaultAdmission({
      objects: seen,
      rbac,
      authorizer,
      quotas,
      time,
      random,
      ...(options.disabledPlugins ? { disabled: options.disabledPlugins } : {}),
    });
  const tokens = options.createTokens?.(objects);
  const handler = createRequestHandler({
    table,
    storage,
    authorizer,
    rbac,
    admission: admissionOver(fresh),
    admissionIn: (draft) => admissionOver(overlayObjects(fresh, draft)),
    services,
    ...(tokens ? { tokens, tokenReviewer: tokens } : {}),
    time,
    random,
  });
  const authenticator = createAuthenticator({
    tokens,
    mayImpersonate: (user, target) =>
      authorizer.authorize({ type: 'resource', user, verb: 'impersonate', version: 'v1', ...target }).outcome ===
      'allowed',
  });
  const bootstrap: BootstrapOptions = {
    handler,
    objects,
    clusterIps,
    advertise: options.advertise,
    clientCa: options.clientCa,
    time,
    random,
    logger,
  };

  return {
    handler,
    authenticator,
    authorizer,
    storage,
    cache,
    async start() {
      await ensureGenesis(log, options.clusterId, time);
      await cache.start();
      await bootstrapCluster(bootstrap);
    },
    check: () => cache.check(),
    async stop() {
      storage.watcher.closeAll();
      await Promise.all(Object.values(committers).map((committer) => committer.close()));
      cache.close();
    },
  };
}
