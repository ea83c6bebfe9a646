/** What many objects cost an apiserver: the time to start with them, and the memory to serve them. */
import { readFileSync } from 'node:fs';
import { startPostgres } from '@periplus/testing/services';
import { openSession } from '../api/api-session.js';
import { startOwnCluster } from '../servers/own-cluster.js';
import type { Suite } from '../suite.js';
import { fillCluster } from './entries.js';
import { configMapShape, podShape } from './objects.js';

const startObjects = 100_000;
const memoryPods = 50_000;
const protobuf = 'application/vnd.kubernetes.protobuf';
/** For what a list has left behind to be collected. */
const calmMs = 5_000;

function residentMegabytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1];
  return Number(kilobytes) / 1_024;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const startSuite: Suite = {
  name: 'start',
  summary: 'an apiserver starting with 100,000 objects',
  async prepare({ scale }) {
    const cluster = await startOwnCluster();
    const postgres = await startPostgres();
    await fillCluster(cluster, Math.round(startObjects * scale), configMapShape);
    const start = async (postgresUrl?: string): Promise<number> => {
      const started = performance.now();
      const server = await cluster.startApiserver(postgresUrl === undefined ? {} : { postgresUrl });
      const seconds = (performance.now() - started) / 1_000;
      await server.stop();
      return seconds;
    };
    const projector = await cluster.startProjector({ postgresUrl: postgres.url });
    return {
      contests: [
        {
          name: `start with ${startObjects * scale} objects`,
          unit: 's',
          contenders: [
            { name: 'from Postgres', run: () => start(postgres.url) },
            { name: 'from the log alone', run: () => start() },
          ],
          goals: [{ times: 3 }],
        },
      ],
      async close() {
        await projector.stop();
        await cluster.stop();
        await postgres.stop();
      },
    };
  },
};

export const memorySuite: Suite = {
  name: 'memory',
  summary: 'the memory of an apiserver with 50,000 Pods of 2.7 KB, after lists in both formats',
  async prepare({ scale, note }) {
    const cluster = await startOwnCluster();
    await fillCluster(cluster, Math.round(memoryPods * scale), podShape);
    return {
      contests: [
        {
          name: `memory with ${memoryPods * scale} Pods`,
          unit: 'MB',
          roundsMax: 1,
          contenders: [
            {
              name: 'after lists in JSON and protobuf',
              async run() {
                const server = await cluster.startApiserver();
                const session = await openSession(cluster.access);
                const report: string[] = [`at the start ${residentMegabytes(server.pid).toFixed(0)} MB`];
                for (const accept of ['application/json', protobuf, 'application/json', protobuf]) {
                  const started = performance.now();
                  const { status, body } = await session.request('GET', '/api/v1/pods', { accept });
                  if (status !== 200) throw new Error(`the list was answered ${status}`);
                  const seconds = (performance.now() - started) / 1_000;
                  const megabytes = body.length / 1e6;
                  report.push(`${accept}: ${megabytes.toFixed(0)} MB in ${seconds.toFixed(2)} s`);
                }
                const peak = residentMegabytes(server.pid);
                await sleep(calmMs);
                const calm = residentMegabytes(server.pid);
                session.close();
                await server.stop();
                note([...report, `right after ${peak.toFixed(0)} MB`].join('; '));
                return calm;
              },
            },
          ],
          goals: [{ times: 500 }],
        },
      ],
      close: () => cluster.stop(),
    };
  },
};
