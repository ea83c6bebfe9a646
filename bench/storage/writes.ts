/** Durable writes through the storage layer: many at once against etcd and bare NATS, one alone, and many on one object. */
import { startNats, startNatsCluster } from '@periplus/testing/services';
import type { Contender, Contest, Goal } from '../contest.js';
import { type Etcd, findEtcd, startEtcd } from '../servers/etcd.js';
import type { PreparedSuite, Suite, SuiteOptions } from '../suite.js';
import { latencyOf, rateOf } from './load.js';
import { connectRawNats, type RawNats } from './raw-nats.js';
import { objectBytes, startStorageServer, type StorageServer } from './storage-server.js';

const writers = 64;
const writersOnOne = 10;
/** One object, ten writers, through kube-apiserver 1.35.4 with etcd 3.6.16 on a machine of this size. */
const upstreamConflicting = 127;

interface Peers {
  readonly storage: StorageServer;
  readonly raw: RawNats;
  /** Undefined where it is not installed. */
  readonly etcd: Etcd | undefined;
}

const names = { etcd: 'etcd puts', batches: 'raw atomic batches of the same size', publish: 'raw durable publish' };

function contestsOf(
  { storage, raw, etcd }: Peers,
  copies: string,
  { seconds, note }: SuiteOptions,
): readonly Contest[] {
  const value = new Uint8Array(objectBytes).fill(120);
  let next = 0;
  let batch = 1;
  const create = async (): Promise<number> => {
    await storage.create(`w-${next++}`);
    return 1;
  };
  const put = async (etcd: Etcd): Promise<number> => {
    await etcd.put(`/registry/configmaps/default/w-${next++}`, value);
    return 1;
  };
  const etcdRun = (run: (etcd: Etcd) => Promise<number>): readonly Contender[] =>
    etcd === undefined ? [] : [{ name: names.etcd, run: () => run(etcd) }];

  async function runMany(): Promise<number> {
    storage.takeMeanBatch();
    const rate = await rateOf(writers, seconds, create);
    batch = Math.max(1, Math.round(storage.takeMeanBatch()));
    note(`${copies}: ${writers} writers make batches of ${batch} entries in the mean`);
    return rate;
  }

  /** Each adds one: what was counted tells whether one was lost. */
  async function runOnOne(): Promise<number> {
    const before = storage.count('counter');
    let increments = 0;
    const rate = await rateOf(writersOnOne, seconds, async () => {
      await storage.increment('counter');
      increments += 1;
      return 1;
    });
    const counted = storage.count('counter') - before;
    if (counted !== increments) throw new Error(`${increments} increments were counted as ${counted}`);
    return rate;
  }

  async function runBatches(): Promise<number> {
    return rateOf(1, seconds, async () => {
      await raw.publishBatch(batch);
      return batch;
    });
  }

  const manyGoals: readonly Goal[] = [
    { times: 2, of: names.etcd },
    { times: 0.5, of: names.batches },
  ];
  return [
    {
      name: `durable writes, ${writers} writers, ${copies}`,
      unit: '/s',
      contenders: [
        { name: 'storage layer', run: runMany },
        ...etcdRun((etcd) => rateOf(writers, seconds, () => put(etcd))),
        { name: names.batches, run: runBatches },
      ],
      goals: manyGoals,
    },
    {
      name: `one write alone, p50, ${copies}`,
      unit: 'ms',
      contenders: [
        { name: 'storage layer', run: () => latencyOf(seconds, create) },
        { name: names.publish, run: () => latencyOf(seconds, () => raw.publish()) },
        ...etcdRun((etcd) => latencyOf(seconds, () => put(etcd))),
      ],
      goals: [{ times: 1.5, of: names.publish }],
    },
    {
      name: `one object, ${writersOnOne} writers, ${copies}`,
      unit: '/s',
      contenders: [{ name: 'storage layer', run: runOnOne }],
      goals: [{ times: 3 * upstreamConflicting }],
    },
  ];
}

interface Servers {
  readonly urls: readonly string[];
  stop(): Promise<void>;
}

async function prepare(servers: Servers, replicas: 1 | 3, options: SuiteOptions): Promise<PreparedSuite> {
  const program = findEtcd(options.note);
  const etcd = program === undefined ? undefined : await startEtcd(program, replicas);
  const raw = await connectRawNats(servers.urls, replicas, objectBytes);
  const storage = await startStorageServer({ natsUrls: servers.urls, replicas });
  // What is compiled by now is not measured.
  let warm = 0;
  await rateOf(writers, options.seconds, async () => {
    await storage.create(`warm-${warm++}`);
    return 1;
  });
  await storage.create('counter');
  return {
    contests: contestsOf({ storage, raw, etcd }, `R${replicas}`, options),
    async close() {
      await storage.close();
      await raw.close();
      await etcd?.stop();
      await servers.stop();
    },
  };
}

export const writesSuite: Suite = {
  name: 'writes',
  summary: 'durable writes through the storage layer, against etcd and raw NATS, one server each',
  async prepare(options) {
    const nats = await startNats();
    return prepare({ urls: [nats.url], stop: () => nats.stop() }, 1, options);
  },
};

export const replicatedWritesSuite: Suite = {
  name: 'writes-r3',
  summary: 'the same on three servers of NATS, against three members of etcd; needs root',
  async prepare(options) {
    const cluster = await startNatsCluster();
    return prepare({ urls: cluster.urls, stop: () => cluster.stop() }, 3, options);
  },
};
