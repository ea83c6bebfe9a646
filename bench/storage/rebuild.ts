/** Postgres built anew from a long log, by the projector as it is delivered. */
import { get } from 'node:http';
import { startPostgres } from '@periplus/testing/services';
import { startOwnCluster } from '../servers/own-cluster.js';
import type { Suite } from '../suite.js';
import { connectBarePostgres } from './bare-postgres.js';
import { fillCluster } from './entries.js';
import { configMapShape } from './objects.js';
import { objectBytes } from './storage-server.js';

const rebuildEntries = 1_000_000;
const goalSeconds = 90;
const pollMs = 250;

/** One of the numbers that a service tells on its socket. */
function readMetric(socketPath: string, line: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ socketPath, path: '/metrics' }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.once('error', reject);
      response.once('end', () => {
        const found = text.split('\n').find((each) => each.startsWith(`${line} `));
        resolve(found === undefined ? 0 : Number(found.slice(line.length + 1)));
      });
    }).once('error', reject);
  });
}

export const rebuildSuite: Suite = {
  name: 'rebuild',
  summary: 'Postgres built anew from 1,000,000 entries',
  async prepare({ scale }) {
    const cluster = await startOwnCluster();
    const postgres = await startPostgres();
    const count = Math.round(rebuildEntries * scale);
    const end = await fillCluster(cluster, count, configMapShape);
    const bare = await connectBarePostgres(postgres.url, objectBytes);
    return {
      contests: [
        {
          name: `rebuild from ${count} entries`,
          unit: 's',
          roundsMax: 1,
          contenders: [
            {
              name: 'projector',
              async run() {
                const postgresUrl = await bare.createDatabase();
                const started = performance.now();
                const projector = await cluster.startProjector({ postgresUrl });
                const socket = cluster.metricsSocket('projector');
                while ((await readMetric(socket, 'periplus_projector_revision{stream="objects"}')) < end)
                  await new Promise((resolve) => setTimeout(resolve, pollMs));
                const seconds = (performance.now() - started) / 1_000;
                await projector.stop();
                return seconds;
              },
            },
            { name: 'bare batched inserts', run: async () => count / (await bare.insert(count)) },
          ],
          goals: [{ times: goalSeconds * scale }],
        },
      ],
      async close() {
        await bare.close();
        await cluster.stop();
        await postgres.stop();
      },
    };
  },
};
