/**
 * A cluster on three machines for a test to break: on each a real nats-server and a real apiserver beside it, in a network
 * namespace of their own; a projector on the host. Whatever clients ask and are told is in one journal, and `judge` holds it
 * against the log once the faults are over.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Random, systemRandom, systemTime, type Time } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import type { TransactingClient } from '@periplus/client/api-client';
import { createSdkClient, type SdkClient } from '@periplus/client/sdk';
import { connectJetStreamLog, type JetStreamLog } from '@periplus/log/jetstream-log';
import { ensureClusterPki, formatKubeconfig, planCluster } from '@periplus/ops/dependencies';
import {
  createJournal,
  formatViolation,
  type Journal,
  judge,
  type LogHistory,
  recordClient,
  type RecordedClient,
  recordTransactions,
} from '@periplus/testing/judge';
import { type NatsCluster, type PostgresService, startNatsCluster, startPostgres } from '@periplus/testing/services';
import { createPostgresView, createProjector } from '@periplus/view/postgres-view';
import { startBalancer } from './balancer.js';
import { cacheOf, projectionOf, readObjects } from './evidence.js';
import { createLabApiserver, type LabApiserver, restPort } from './lab-apiserver.js';
import { builtProgram } from './program.js';
import { createRestClient, type RestClient } from './rest-client.js';
import { leaderOf } from './stream-leader.js';

export interface LabVerdict {
  /** Empty when everything held; each with its story. */
  readonly violations: readonly string[];
  /** The log of objects, for what else a test asks. */
  readonly history: LogHistory;
}

export interface SdkOptions {
  /** Addresses instead of the servers' own: those of proxies. */
  readonly addresses?: readonly string[];
  readonly timeoutMs?: number;
}

export interface FaultLabOptions {
  /** One that holds the log alone, or three of which each has a copy. Default 3. */
  readonly natsServers?: 1 | 3;
}

export interface FaultLab {
  readonly nats: NatsCluster;
  readonly servers: readonly LabApiserver[];
  readonly journal: Journal;
  readonly time: Time;
  readonly random: Random;
  /** Recorded, over gRPC; with the servers of these indexes, of which the next is tried when one is away. */
  sdk(name: string, servers: readonly number[], options?: SdkOptions): RecordedClient & TransactingClient;
  /** Recorded, over REST; one server and one try. */
  rest(name: string, server: number): RecordedClient;
  /** Recorded, over REST, at one address for all servers; one try. */
  balanced(name: string): RecordedClient;
  /** For kubectl and the like, with that one address. */
  readonly kubeconfigFile: string;
  /** Stopped with the lab at the latest, however the test ends. */
  keep<T extends { stop(): unknown }>(traffic: T): T;
  /** The index of the nats-server that leads the stream of objects, by their majority's word. */
  leader(): Promise<number>;
  /** To be called when faults and clients have ended, and all servers are there: waits for rest, and judges J1 to J6. */
  judge(): Promise<LabVerdict>;
  stop(): Promise<void>;
}

const machines = 3;
/** What was written last reaches every watch within this. */
const restMs = 4_000;
const clientTimeoutMs = 2_000;
/** Steps of the search for a linear order, for each object. */
const linearStepsMax = 2_000_000;
const common = { time: systemTime, random: systemRandom, logger: silentLogger };

/** Waits for a state. */
export async function until(
  what: string | (() => string),
  limitMs: number,
  isSo: () => boolean | Promise<boolean>,
): Promise<void> {
  const started = performance.now();
  while (!(await isSo())) {
    if (performance.now() - started > limitMs)
      throw new Error(`${typeof what === 'string' ? what : what()}: not within ${limitMs} ms`);
    await pause(50);
  }
}

export async function startFaultLab({ natsServers = machines }: FaultLabOptions = {}): Promise<FaultLab> {
  const [program, nats, postgres] = await Promise.all([
    builtProgram('apiserver'),
    startNatsCluster(natsServers, machines),
    startPostgres(),
  ]);
  const folder = mkdtempSync(join(tmpdir(), 'periplus-fault-lab-'));
  const ends: (() => unknown)[] = [
    () => rmSync(folder, { recursive: true, force: true }),
    () => stopServices(nats, postgres),
  ];
  async function stop(): Promise<void> {
    for (const end of ends.splice(0).reverse()) await end();
  }
  try {
    await ensureClusterPki(folder, planCluster('lab', 0));
    const pem = (file: string): string => readFileSync(join(folder, file), 'utf8');
    const identity = { ca: pem('ca.crt'), cert: pem('admin.crt'), key: pem('admin.key') };
    const servers = nats.lab.machines.map((machine, index) =>
      createLabApiserver({
        name: `apiserver-${index}`,
        machine,
        program,
        pkiFolder: folder,
        natsUrls: nats.urls,
        postgresUrl: postgres.url,
      }),
    );
    ends.push(() => Promise.all(servers.map((server) => server.kill())));
    // The first makes the streams.
    await servers[0]!.start();
    await Promise.all(servers.slice(1).map((server) => server.start()));
    const log: JetStreamLog = await connectJetStreamLog({ ...common, servers: nats.urls });
    ends.push(() => log.close());
    const projector = createProjector({ ...common, log, postgresUrl: postgres.url });
    const view = createPostgresView({ postgresUrl: postgres.url, time: systemTime });
    const projecting = projector.run();
    ends.push(
      () => view.close(),
      () => projector.close().then(() => projecting),
    );

    const journal = createJournal(systemTime);
    const open: (SdkClient | RestClient)[] = [];
    ends.push(() => open.forEach((client) => client.close()));

    const balancer = await startBalancer(servers.map(({ host }) => ({ host, port: restPort })));
    ends.push(() => balancer.stop());
    const kubeconfigFile = join(folder, 'kubeconfig');
    writeFileSync(
      kubeconfigFile,
      formatKubeconfig({
        contextName: 'lab',
        server: `https://${balancer.host}:${balancer.port}`,
        authorityCertificate: identity.ca,
        clientCertificate: identity.cert,
        clientKey: identity.key,
      }),
    );

    function restClient({ host, port }: { host: string; port: number }): RestClient {
      const client = createRestClient({ ...identity, host, port, timeoutMs: clientTimeoutMs });
      open.push(client);
      return client;
    }
    const restOf = (server: number): RestClient => restClient({ host: servers[server]!.host, port: restPort });

    const recording = (name: string, indexes: readonly number[]) => ({
      journal,
      name,
      random: systemRandom,
      // Who has several servers moves among them unseen.
      ...(indexes.length === 1 ? { connection: () => servers[indexes[0]!]!.life() } : {}),
    });

    return {
      nats,
      servers,
      journal,
      time: systemTime,
      random: systemRandom,
      sdk(name, indexes, { addresses, timeoutMs = clientTimeoutMs } = {}) {
        const client = createSdkClient({
          ...common,
          ...identity,
          address: addresses ?? indexes.map((index) => servers[index]!.grpcAddress),
          userAgent: name,
          serverName: 'kubernetes',
          timeoutMs,
        });
        open.push(client);
        const options = recording(name, addresses === undefined ? indexes : []);
        return { ...recordClient(client, options), transact: recordTransactions(client, options) };
      },
      rest: (name, server) => recordClient(restOf(server), recording(name, [server])),
      balanced: (name) => recordClient(restClient(balancer), recording(name, [])),
      kubeconfigFile,
      keep(traffic) {
        ends.push(() => traffic.stop());
        return traffic;
      },
      async leader() {
        for (let tries = 0; ; tries++) {
          try {
            return Number((await leaderOf('objects', nats.urls)).slice(1));
          } catch (error) {
            if (tries === 20) throw error;
            await pause(250);
          }
        }
      },
      async judge() {
        await until('the projection at the end of the log', 20_000, async () => {
          const last = await log.lastRevision('objects');
          return projector.position('objects') >= last - 1;
        });
        await pause(restMs);
        const restedMs = systemTime.now() - restMs;
        const history = await readObjects(log);
        const caches = await Promise.all(
          servers.map((server, index) => cacheOf(`the cache of ${server.name}`, restOf(index), history)),
        );
        const views = [...caches, await projectionOf(view)].map((held) => ({ stream: 'objects' as const, view: held }));
        const { violations, linear } = judge({
          journal,
          histories: [history],
          views,
          deliveredBeforeMs: restedMs,
          linearStepsMax,
        });
        return {
          history,
          violations: [
            ...violations.map(formatViolation),
            ...linear.unfinished.map(
              (name) => `the search for an order of the calls on ${name} did not come to an end`,
            ),
          ],
        };
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function stopServices(nats: NatsCluster, postgres: PostgresService): Promise<void> {
  await Promise.all([nats.stop(), postgres.stop()]);
}
