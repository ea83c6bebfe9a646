/** One run from a seed: bring a cluster up, let users and faults loose on it, let it come to rest, and judge. */
import { createHash } from 'node:crypto';
import type { Deployment, Pod } from '@periplus/api/kinds';
import { createSeededRandom, createVirtualTime } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import { streamNames, streamOf } from '@periplus/log/object-events';
import { checkBoundOnce, checkKept, checkOnce, checkParents } from './checkers/history-checks.js';
import { readHistory, stateAtEnd } from './checkers/log-history.js';
import { checkCache, checkProjection } from './checkers/view-checks.js';
import { drawFaultPlan, type FaultPlan } from './fault-plan.js';
import { administrator, createSimulatedCluster, type SimulatedCluster } from './simulated-cluster.js';
import { startTraffic } from './traffic.js';
import { runToEnd, runUntil } from './virtual-loop.js';
import { startWatchRecorder } from './watch-recorder.js';

export interface SimulationReport {
  readonly seed: number;
  readonly faults: FaultPlan;
  /** Of every append in its order and at its virtual time: equal for equal seeds. */
  readonly traceHash: string;
  readonly trace: readonly string[];
  /** Empty when everything held. */
  readonly violations: readonly string[];
  readonly appends: number;
  readonly acknowledged: number;
  readonly delivered: number;
}

const nodes = 2;
const startLimitMs = 30_000;
/** Users and faults stop here. */
const trafficEndMs = 60_000;
/** By then everything must have come to rest, and nothing but leases and Events be written after. */
const restMs = 45_000;
const quietMs = 15_000;
const epochMs = Date.UTC(2026, 0, 1);

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
  const client = cluster.client(administrator);

  cluster.start();
  await runUntil(time, startLimitMs, () => cluster.servers().length > 0);
  const recorders = [
    startWatchRecorder(client, { group: '', version: 'v1', resource: 'pods', namespace: '' }, time),
    startWatchRecorder(client, { group: 'apps', version: 'v1', resource: 'deployments', namespace: '' }, time),
    startWatchRecorder(client, { group: '', version: 'v1', resource: 'configmaps', namespace: '' }, time),
  ];
  const traffic = startTraffic(client, 3, time, random);
  await runUntil(time, trafficEndMs);
  await runToEnd(time, 60_000, traffic.stop());
  await runUntil(time, time.monotonic() + restMs);
  const beforeQuiet = trace.length;
  await runUntil(time, time.monotonic() + quietMs);
  const noise = trace.slice(beforeQuiet).filter((line) => line.split(' ')[1] === 'objects');

  const settled = await runToEnd(time, 30_000, findUnsettled(cluster));
  const history = readHistory(cluster.log.retained('objects'));
  const state = stateAtEnd(history);
  const inObjects = (resource: { group: string; resource: string }): boolean => streamOf(resource) === 'objects';
  const violations = [
    ...cluster.failures,
    ...checkParents(history),
    ...checkKept(history, traffic.acknowledged),
    ...checkOnce(history, traffic.requestIds),
    ...checkBoundOnce(history),
    ...cluster.servers().flatMap(({ name, core }) => checkCache(name, core.cache, state, inObjects)),
    ...checkProjection(cluster.projection, state),
    ...recorders.flatMap((recorder) => recorder.check(history)),
    ...settled,
    ...noise.slice(0, 5).map((line) => `written while all was at rest: ${line}`),
    ...(cluster.servers().length === 2 ? [] : ['an apiserver did not come back']),
  ];
  for (const recorder of recorders) recorder.stop();
  for (const process of cluster.processes.values()) process.kill();
  return {
    seed,
    faults,
    traceHash: createHash('sha256').update(trace.join('\n')).digest('hex'),
    trace,
    violations,
    appends: streamNames.reduce((sum, stream) => sum + trace.filter((line) => line.split(' ')[1] === stream).length, 0),
    acknowledged: traffic.acknowledged.length,
    delivered: recorders.reduce((sum, recorder) => sum + recorder.seenCount, 0),
  };
}

/** Each Deployment has the replicas that it wants, all available and of its newest template, and there are no others. */
async function findUnsettled(cluster: SimulatedCluster): Promise<string[]> {
  const client = cluster.client(administrator);
  const deployments = await client.list<Deployment>({
    group: 'apps',
    version: 'v1',
    resource: 'deployments',
    namespace: '',
  });
  const pods = await client.list<Pod>({ group: '', version: 'v1', resource: 'pods', namespace: '' });
  const violations: string[] = [];
  let wanted = 0;
  for (const { metadata, spec, status } of deployments.items) {
    const replicas = spec?.replicas ?? 0;
    wanted += replicas;
    const settled =
      status?.observedGeneration === metadata?.generation &&
      (status?.availableReplicas ?? 0) === replicas &&
      (status?.updatedReplicas ?? 0) === replicas &&
      (status?.replicas ?? 0) === replicas;
    if (!settled) violations.push(`deployment ${metadata?.name} wants ${replicas} and is at ${JSON.stringify(status)}`);
  }
  if (pods.items.length !== wanted) {
    const names = pods.items.map(
      ({ metadata, status }) =>
        `${metadata?.name} (${status?.phase}${metadata?.deletionTimestamp ? ', deleting' : ''})`,
    );
    violations.push(`${wanted} pods are wanted and there are ${pods.items.length}: ${names.join(', ')}`);
  }
  return violations;
}
