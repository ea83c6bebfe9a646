/** The log read from its start: into an empty cache, and into Postgres, each against the plainest reader or writer there is. */
import { toRevision } from '@periplus/api/meta';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { createSealer } from '@periplus/log/object-events';
import { startNats, startPostgres } from '@periplus/testing/services';
import { createProjector } from '@periplus/view/postgres-view';
import { createWatchCache } from '@periplus/view/watch-cache';
import type { Contest } from '../contest.js';
import type { Suite } from '../suite.js';
import { connectBarePostgres } from './bare-postgres.js';
import { fillLog } from './entries.js';
import { configMapShape } from './objects.js';
import { connectRawNats } from './raw-nats.js';
import { connectLog, objectBytes } from './storage-server.js';

const entries = 100_000;
const pollMs = 5;

export const replaySuite: Suite = {
  name: 'replay',
  summary: 'the log read into an empty cache, and into Postgres',
  async prepare({ scale }) {
    const nats = await startNats();
    const postgres = await startPostgres();
    const log = await connectLog({ natsUrls: [nats.url] });
    const raw = await connectRawNats([nats.url], 1, objectBytes);
    const count = Math.round(entries * scale);
    await fillLog(log, count, configMapShape);
    const end = await log.lastRevision('objects');
    const sealer = createSealer({ keyStore: log.keyStore, clusterKey: new Uint8Array(32), random: systemRandom });
    const parts = { log, time: systemTime, random: systemRandom, logger: silentLogger };
    const bare = await connectBarePostgres(postgres.url, objectBytes);

    const contests: Contest[] = [
      {
        name: 'replay into an empty cache',
        unit: '/s',
        contenders: [
          {
            name: 'watch cache',
            async run() {
              const cache = createWatchCache({ ...parts, sealer, streams: ['objects'] });
              const started = performance.now();
              await cache.start();
              const seconds = (performance.now() - started) / 1_000;
              cache.close();
              return end / seconds;
            },
          },
          { name: 'one raw consumer', run: async () => end / (await raw.consume('objects', end)) },
        ],
        goals: [{ times: 0.6, of: 'one raw consumer' }],
      },
      {
        name: 'projector into an empty Postgres',
        unit: '/s',
        contenders: [
          {
            name: 'projector',
            async run() {
              const database = await bare.createDatabase();
              const projector = createProjector({ ...parts, postgresUrl: database });
              const running = projector.run();
              // Until it has made its tables.
              while (projector.position('objects') < toRevision(1)) await systemSleep(pollMs);
              const from = projector.position('objects');
              const started = performance.now();
              while (projector.position('objects') < end) await systemSleep(pollMs);
              const seconds = (performance.now() - started) / 1_000;
              await projector.close();
              await running;
              return (end - from) / seconds;
            },
          },
          { name: 'bare batched inserts', run: () => bare.insert(count) },
        ],
        goals: [{ times: 0.6, of: 'bare batched inserts' }],
      },
    ];
    return {
      contests,
      async close() {
        await bare.close();
        await raw.close();
        await log.close();
        await postgres.stop();
        await nats.stop();
      },
    };
  },
};

const systemSleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
