/** One run from a seed: bring a cluster up, let users and faults loose on it, let it come to rest, and judge. */
import { createHash } from 'node:crypto';
import { createSeededRandom, createVirtualTime } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import { streamNames, streamOf } from '@periplus/log/object-events';
import {
  checkQuiet,
  checkSettled,
  formatViolation,
  type JudgeInput,
  judge,
  readHistory,
  type ViewedObject,
} from '@periplus/testing/judge';
import type { WatchCache } from '@periplus/view/watch-cache';
import { drawFaultPlan, type FaultPlan } from './fault-plan.js';
import { startReader } from './readers.js';
import { checkRetention } from './retention-check.js';
import { administrator, createSimulatedCluster, type SimulatedCluster } from './simulated-cluster.js';
import { startWriter } from './traffic.js';
import { configMaps, deployments, everywhere, pods } from './traffic-targets.js';
import { runToEnd, runUntil } from './virtual-loop.js';
import { startWatcher, type WatcherPlan } from './watchers.js';

export interface SimulationReport {
  readonly seed: number;
  readonly faults: FaultPlan;
  /** Of every append in its order and at its virtual time: equal for equal seeds. */
  readonly traceHash: string;
  readonly trace: readonly string[];
  /** Empty when everything held; each with its story, a line each. */
  readonly violations: readonly string[];
  readonly appends: number;
  /** Writes of users that were answered with success. */
  readonly acknowledged: number;
  /** Reads of users that were answered. */
  readonly reads: number;
  /** Watch events that clients were told, services included. */
  readonly delivered: number;
  /** Entries that the compactor purged. */
  readonly purged: number;
}

const nodes = 2;
const startLimitMs = 30_000;
/** Users and faults stop here. */
const trafficEndMs = 60_000;
/** By then everything must have come to rest, and nothing but leases and Events be written after. */
const restMs = 45_000;
const quietMs = 15_000;
const epochMs = Date.UTC(2026, 0, 1);

const watcherPlans: readonly WatcherPlan[] = [
  { target: everywhere(pods), selectors: {}, begin: 'list' },
  { target: everywhere(deployments), selectors: {}, begin: 'list' },
  { target: configMaps, selectors: {}, begin: 'watch' },
  { target: configMaps, selectors: { labelSelector: 'tier=gold' }, begin: 'watchToBookmark' },
  { target: everywhere(pods), selectors: { fieldSelector: 'spec.nodeName=node-0' }, begin: 'list' },
  { target: pods, selectors: { labelSelector: 'app=a' }, begin: 'watchToBookmark' },
];

export async function simulate(seed: number, logger?: Logger): Promise<SimulationReport> {
  const time = createVirtualTime(epochMs);
  const random = createSeededRandom(seed);
  const faults = drawFaultPlan(createSeededRandom(seed ^ 0x5eed), nodes, trafficEndMs);
  const trace: string[] = [];
  const cluster = createSimulatedCluster({
    time,
    random,
    faults,
    nodes,
    onAppend: (line) => trace.push(line),
    ...(logger ? { logger } : {}),
  });
  const user = (name: string) => cluster.client(administrator, name);

  cluster.start();
  await runUntil(time, startLimitMs, () => cluster.servers().length > 0);
  watcherPlans.forEach((plan, index) => startWatcher(user(`watcher-${index}`), plan, time));
  const traffic = [
    ...[0, 1, 2].map((index) => startWriter(user(`writer-${index}`), time, random)),
    ...[0, 1].map((index) => startReader(user(`reader-${index}`), time, random)),
  ];
  await runUntil(time, trafficEndMs);
  await runToEnd(time, 60_000, Promise.all(traffic.map((loop) => loop.stop())));
  await runUntil(time, time.monotonic() + restMs);
  const restedMs = time.now();
  await runUntil(time, time.monotonic() + quietMs);

  const violations = judgeCluster(cluster, restedMs);
  for (const process of cluster.processes.values()) process.kill();
  const { calls, sessions } = cluster.journal;
  const isUser = ({ client }: { readonly client: string }): boolean => /^(writer|reader)-/.test(client);
  const answered = calls.filter((call) => isUser(call) && call.outcome.type === 'ok');
  return {
    seed,
    faults,
    traceHash: createHash('sha256').update(trace.join('\n')).digest('hex'),
    trace,
    violations,
    appends: trace.length,
    acknowledged: answered.filter(({ kind }) => kind === 'write').length,
    reads: answered.filter(({ kind }) => kind !== 'write').length,
    purged: cluster.compactions.reduce((sum, { purgedEntries }) => sum + purgedEntries, 0),
    delivered: sessions.reduce((sum, { events }) => sum + events.length, 0),
  };
}

function judgeCluster(cluster: SimulatedCluster, restedMs: number): string[] {
  const { journal } = cluster;
  const histories = streamNames.map((stream) => readHistory(stream, cluster.stored(stream)));
  const objects = histories.find(({ stream }) => stream === 'objects')!;
  const views: JudgeInput['views'] = [
    ...cluster
      .servers()
      .map(({ name, core }) => ({ stream: 'objects' as const, view: { name, objects: cachedObjects(core.cache) } })),
    { stream: 'objects', view: { name: 'the projection', objects: cluster.projection.rows('objects').values() } },
  ];
  const { violations, linear } = judge({ journal, histories, views, deliveredBeforeMs: restedMs });
  const settled = [...checkSettled(objects), ...checkQuiet(objects, restedMs, journal.originMs)];
  return [
    ...cluster.failures,
    ...checkRetention(cluster.stored('objects'), cluster.retained('objects')),
    ...cluster.compactions
      .filter((stats) => stats.refutedEnds > 0)
      .map(() => 'the compactor proposed what the log refutes'),
    ...[...violations, ...settled].map(formatViolation),
    ...linear.unfinished.map((name) => `the search for an order of the calls on ${name} did not come to an end`),
    ...(cluster.servers().length === 2 ? [] : ['an apiserver did not come back']),
  ];
}

function* cachedObjects(cache: WatchCache): Iterable<ViewedObject> {
  for (const resource of cache.resources())
    if (streamOf(resource) === 'objects')
      for (const { key, revision, storageJson } of cache.list(resource).items)
        yield { key, revision, json: storageJson };
}
