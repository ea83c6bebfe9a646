/** Puts the apiserver together: the core over NATS and Postgres, and its two doors. */
import { builtinSchema } from '@periplus/api/kinds';
import { createPublication } from '@periplus/api/schema';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { answerHealth, type HealthChecks, type Logger } from '@periplus/base/telemetry';
import { connectJetStreamLog, type JetStreamLog } from '@periplus/log/jetstream-log';
import { createSealer, streamNames } from '@periplus/log/object-events';
import { createAuditor } from '@periplus/server/audit';
import { createServiceAccountTokens, readSigningKey, type ServiceAccountTokens } from '@periplus/server/credentials';
import { createGrpcServer } from '@periplus/server/grpc';
import { createNodeProxy } from '@periplus/server/node-proxy';
import { createServerCore, type ServerCore } from '@periplus/server/requests';
import { createPathRoutes, createRestMetrics, createRestServer } from '@periplus/server/rest';
import { createHistory } from '@periplus/server/storage';
import { createPostgresView, type PostgresView } from '@periplus/view/postgres-view';
import { Gauge, type Registry } from 'prom-client';
import { openAuditLog } from './audit-log.js';
import { type ApiserverConfig, auditPolicyOf, disabledPluginsOf, openGatesOf, parseHostPort } from './config.js';
import type { KeyMaterial } from './key-files.js';
import { watchLogRoom, withinRoom } from './log-room.js';
import { version } from './version.js';

export interface Apiserver {
  readonly checks: HealthChecks;
  /** Resolves when the doors are open. */
  start(): Promise<void>;
  /** Throws when the server has come to a state that only a restart heals. */
  checkFatal(): void;
  stop(): Promise<void>;
}

export interface ApiserverParts {
  readonly config: ApiserverConfig;
  readonly keys: KeyMaterial;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Ends the attempts to reach NATS. */
  readonly signal: AbortSignal;
}

const drainLimitMs = 2_000;
/** Of fewer NATS servers none could be missed. */
const clusteredServersMin = 3;
const jwksPath = '/openid/v1/jwks';
const discoveryPath = '/.well-known/openid-configuration';

function natsTls(config: ApiserverConfig) {
  const { natsCaFile: caFile, natsCertFile: certFile, natsKeyFile: keyFile } = config;
  return caFile && certFile && keyFile ? { tls: { caFile, certFile, keyFile } } : {};
}

function registerGauges(registry: Registry, core: ServerCore): void {
  new Gauge({
    name: 'apiserver_registered_watchers',
    help: 'Watches that are open.',
    registers: [registry],
    collect() {
      this.set(core.storage.watcher.count);
    },
  });
  new Gauge({
    name: 'apiserver_watch_cache_resource_version',
    help: 'The revision up to which the cache has the log.',
    labelNames: ['stream'],
    registers: [registry],
    collect() {
      for (const stream of streamNames) this.set({ stream }, core.cache.appliedRevision(stream));
    },
  });
  new Gauge({
    name: 'periplus_watch_cache_damaged_objects',
    help: 'Objects whose newest entry can not be read; the log says which',
    labelNames: ['stream'],
    registers: [registry],
    collect() {
      for (const stream of streamNames) this.set({ stream }, core.cache.damaged(stream).length);
    },
  });
}

export async function createApiserver(parts: ApiserverParts): Promise<Apiserver> {
  const { config, keys, registry, logger } = parts;
  const time = systemTime;
  const random = systemRandom;
  const connected: JetStreamLog = await connectJetStreamLog({
    servers: config.natsUrl,
    ...natsTls(config),
    replicas: config.natsReplicas ?? (config.natsUrl.length >= clusteredServersMin ? clusteredServersMin : 1),
    clusterId: config.name,
    time,
    random,
    logger,
    signal: parts.signal,
  });

  const room =
    config.logFolder === undefined
      ? undefined
      : await watchLogRoom({ folder: config.logFolder, reserveBytes: config.logReserveMebibytes * 2 ** 20, logger });
  const log = room === undefined ? connected : withinRoom(connected, room);
  const sealer = createSealer({ keyStore: log.keyStore, clusterKey: keys.clusterKey, random });
  const view: PostgresView | undefined =
    config.postgresUrl === undefined ? undefined : createPostgresView({ postgresUrl: config.postgresUrl, time });
  let tokens: ServiceAccountTokens | undefined;
  const core = createServerCore({
    log,
    sealer,
    ...(view === undefined ? {} : { snapshots: view, history: createHistory(view, sealer, builtinSchema) }),
    createTokens(objects) {
      tokens = createServiceAccountTokens({
        keys: [readSigningKey(keys.serviceAccountKey)],
        issuer: config.serviceAccountIssuer,
        audiences: [config.serviceAccountIssuer],
        objects,
        time,
        random,
      });
      return tokens;
    },
    serviceClusterIpRange: config.serviceClusterIpRange,
    serviceNodePortRange: config.serviceNodePortRange,
    ...(config.advertiseAddress === undefined
      ? {}
      : { advertise: { address: config.advertiseAddress, port: config.advertisePort } }),
    disabledPlugins: disabledPluginsOf(config),
    clientCa: keys.clientCa,
    clusterId: config.name,
    time,
    random,
    logger,
  });

  registerGauges(registry, core);
  const checks: HealthChecks = {
    log() {
      if (!log.isConnected()) throw new Error('NATS is not connected');
    },
    cache: () => core.check(),
    // As long as the disk is full a restart would heal nothing.
    logStore() {
      if (log.isStoreFailed() && room?.problem() === undefined)
        throw new Error('nats-server could not write to its disk and takes nothing until it is started again');
    },
  };
  const serverAddress =
    config.advertiseAddress === undefined
      ? config.listenAddress[0]!
      : `${config.advertiseAddress}:${config.advertisePort}`;
  const publication = createPublication(builtinSchema, {
    serverAddress,
    gitVersion: version.gitVersion,
  });
  const auditLog =
    config.auditLogPath === undefined
      ? undefined
      : openAuditLog({
          path: config.auditLogPath,
          maxSizeMegabytes: config.auditLogMaxsize,
          maxBackups: config.auditLogMaxbackup,
          maxAgeDays: config.auditLogMaxage,
          registry,
          logger,
        });
  const rest = createRestServer({
    tls: { cert: keys.tlsCert, key: keys.tlsKey, clientCa: keys.clientCa },
    schema: builtinSchema,
    handler: core.handler,
    authenticator: core.authenticator,
    paths: createPathRoutes({
      publication: () => publication,
      version,
      health: (question) => answerHealth(checks, question, 'withheld'),
      metrics: async () => ({ code: 200, text: await registry.metrics(), contentType: registry.contentType }),
      issuer(path) {
        if (path === discoveryPath) return tokens?.discovery(`https://${serverAddress}${jwksPath}`);
        return path === jwksPath ? tokens?.jwks() : undefined;
      },
      authorizePath: (user, verb, path) => core.handler.authorizePath(user, verb, path),
    }),
    nodeProxy: createNodeProxy({
      cached: core.storage.objects,
      kubeletTls: { ca: keys.clientCa, cert: keys.kubeletClientCert, key: keys.kubeletClientKey },
    }),
    time,
    random,
    logger,
    metrics: createRestMetrics(registry, time),
    ...(auditLog === undefined
      ? {}
      : { audit: createAuditor({ policy: auditPolicyOf(config), write: auditLog.write, time, random }) }),
    features: { cbor: openGatesOf(config).has('CBORServingAndStorage') },
  });
  const grpc = createGrpcServer({
    handler: core.handler,
    authenticator: core.authenticator,
    tls: { cert: keys.tlsCert, key: keys.tlsKey, clientCa: keys.clientCa },
    time,
    random,
    logger,
  });

  return {
    checks,
    async start() {
      await core.start();
      for (const address of config.listenAddress) {
        const { host, port } = parseHostPort(address);
        await rest.listen(host, port);
      }
      for (const address of config.grpcListenAddress) await grpc.listen(address);
      grpc.setServing(true);
    },
    checkFatal: () => core.check(),
    async stop() {
      grpc.setServing(false);
      core.storage.watcher.closeAll();
      await Promise.all([rest.close(drainLimitMs), grpc.close(drainLimitMs)]);
      await core.stop();
      auditLog?.close();
      room?.close();
      await log.close();
      await view?.close();
    },
  };
}
