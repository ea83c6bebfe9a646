/** Puts the projector together: the log, Postgres, and what it tells of itself. */
import { systemRandom, systemTime } from '@periplus/base/clock';
import type { HealthCheck, Logger } from '@periplus/base/telemetry';
import { connectJetStreamLog } from '@periplus/log/jetstream-log';
import { type BuildProgress, createProjector, type Projector } from '@periplus/view/postgres-view';
import { createCompactor } from '@periplus/view/retention';
import type { Registry } from 'prom-client';
import type { ProjectorConfig } from './config.js';
import { registerCompactorMetrics } from './compactor-metrics.js';
import { registerProjectorMetrics } from './projector-metrics.js';
import { retentionOf } from './retention-config.js';
import { waitForStreams } from './stream-wait.js';

export interface ProjectorService {
  readonly projector: Projector;
  readonly checks: Readonly<Record<string, HealthCheck>>;
  /** What to know while all is well: that the projection is being built, and how long that will take. */
  note(): string | undefined;
  /** Runs until `stop`. */
  run(): Promise<void>;
  stop(): Promise<void>;
}

export interface ProjectorParts {
  readonly config: Omit<ProjectorConfig, 'metricsAddress' | 'logLevel'>;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Ends the attempts to reach NATS, and the wait for its streams. */
  readonly signal: AbortSignal;
}

function natsTls(config: ProjectorParts['config']) {
  const { natsCaFile: caFile, natsCertFile: certFile, natsKeyFile: keyFile } = config;
  return caFile && certFile && keyFile ? { tls: { caFile, certFile, keyFile } } : {};
}

function describeBuilding({ revision, of, remainingMs }: BuildProgress): string {
  const done = `the projection is being built: ${Math.floor((revision / of) * 100)} % of ${of} revisions`;
  return remainingMs === undefined ? done : `${done}, about ${Math.ceil(remainingMs / 1_000)} s left`;
}

export async function createProjectorService(parts: ProjectorParts): Promise<ProjectorService> {
  const { config, registry, logger, signal } = parts;
  const time = systemTime;
  const random = systemRandom;
  const connection = { servers: config.natsUrl, ...natsTls(config) };
  const log = await connectJetStreamLog({ ...connection, time, random, logger, signal });
  const compactor = createCompactor({
    log,
    keyStore: log.keyStore,
    policy: retentionOf(config),
    intervalMs: config.compactInterval,
    time,
    random,
    logger,
  });
  const projector = createProjector({
    log,
    postgresUrl: config.postgresUrl,
    time,
    random,
    logger,
    compact: (source, ending) => compactor.run(source, ending),
  });
  registerProjectorMetrics(registry, projector, log);
  registerCompactorMetrics(registry, compactor.stats);
  return {
    projector,
    checks: {
      log() {
        if (!log.isConnected()) throw new Error('NATS is not connected');
      },
      // One that stands by is ready to take over.
      postgres() {
        if (projector.state === 'starting') throw new Error('the projection is not there yet');
      },
    },
    note: () => (projector.building === undefined ? undefined : describeBuilding(projector.building)),
    async run() {
      await waitForStreams({ log, time, random, logger, signal });
      await projector.run();
    },
    async stop() {
      await projector.close();
      await log.close();
    },
  };
}
