/**
 * The scheduler at work: takes pods from the queue one after another, decides at once, and lets the bindings run on many
 * at a time. A decision counts in the state before it is written; if the write fails, it is taken back and the pod tried again.
 */
import type { Pod } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import type { CancelTimer, Random, Time } from '@periplus/base/clock';
import { type BackoffOptions, createBackoff, sleep } from '@periplus/base/stdx';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient } from '@periplus/client/api-client';
import { type EventRecorder, isOutage } from '@periplus/client/reconcile';
import { planPreemption, type PreemptionResult } from '../cycle/default-preemption.js';
import { NO_NODES } from '../cycle/fit-error.js';
import { createNominations } from '../cycle/nominations.js';
import { type CycleResult, type SchedulingContext, schedulePod } from '../cycle/schedule-pod.js';
import { createShapeViews } from '../cycle/shape-views.js';
import { toPodInfo } from '../pod/pod-info.js';
import { createSchedulingQueue, type QueuedPod, type QueuePlace } from '../queue/scheduling-queue.js';
import { createClusterState } from '../state/cluster-state.js';
import { createAssumedPods } from './assumed-pods.js';
import { boundPodsSeen } from './bound-pods-seen.js';
import { watchCluster } from './cluster-watch.js';
import { defaultSpreadSelector } from './default-spread-selector.js';
import { createPodWrites } from './pod-writes.js';
import type { SchedulerInformers } from './scheduler-informers.js';
import { type SchedulerObserver, silentObserver } from './scheduler-observer.js';

export interface SchedulerOptions {
  /** Its writes carry the leadership's fence. */
  readonly client: ApiClient;
  /** Started by the caller, who also stops them. */
  readonly informers: SchedulerInformers;
  readonly time: Time;
  /** Decides among equally good nodes. */
  readonly random: Random;
  readonly logger: Logger;
  readonly recorder: EventRecorder;
  /** Pods of this `schedulerName` are scheduled; `default-scheduler` by default. */
  readonly schedulerName?: string;
  readonly observer?: SchedulerObserver;
}

export interface Scheduler {
  /** Begins when the informers have synced and have seen all that was bound before. Once. */
  start(): void;
  /** Resolves when the writes under way are settled. Nothing is begun any more. */
  stop(): Promise<void>;
  /** Pods that wait, by place in the queue. */
  pending(place: QueuePlace): number;
  /** Bindings that are not settled. */
  readonly binding: number;
}

/** Pods tried in one turn, so that bindings go out and events come in between. */
const PODS_A_TURN = 100;
/** More pods are not tried before some of these are settled. */
const BINDINGS_MAX = 5_000;
/** Between questions after a binding's unknown outcome. */
const ASK_AGAIN: BackoffOptions = { initialMs: 100, maxMs: 5_000, jitter: 0.5 };

type Unfit = Extract<CycleResult, { kind: 'unfit' }>;

const describe = (pod: Pod) => ({ namespace: pod.metadata?.namespace, name: pod.metadata?.name });
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { informers, time, random, recorder } = options;
  const schedulerName = options.schedulerName ?? 'default-scheduler';
  const observer = options.observer ?? silentObserver;
  const logger = options.logger.with({ scheduler: schedulerName });
  const writes = createPodWrites({ client: options.client, time, logger, schedulerName });
  const state = createClusterState();
  const nominations = createNominations();
  const assumed = createAssumedPods();
  const queue = createSchedulingQueue({ time, onReady: planTurn });
  const context: SchedulingContext = {
    state,
    views: createShapeViews(state),
    nominations,
    random,
    defaultSpreadSelector: (pod) => defaultSpreadSelector(pod, informers),
  };
  const underWay = new Set<Promise<void>>();
  const stopping = new AbortController();
  let phase: 'idle' | 'waiting' | 'running' | 'stopped' = 'idle';
  let bindings = 0;
  let cancelTurn: CancelTimer | undefined;
  let stopWatching: (() => void) | undefined;

  /** Events and writes of one turn are followed by one look at the queue. */
  function planTurn(): void {
    if (phase !== 'running' || cancelTurn !== undefined) return;
    cancelTurn = time.after(0, () => {
      cancelTurn = undefined;
      takeTurn();
    });
  }

  function takeTurn(): void {
    for (let tried = 0; tried < PODS_A_TURN; tried++) {
      if (phase !== 'running' || bindings >= BINDINGS_MAX) return;
      const queued = queue.take();
      if (queued === undefined) {
        state.counters.prune();
        return;
      }
      attempt(queued);
    }
    planTurn();
  }

  function track(work: Promise<void>): void {
    const settled = work
      .catch((error: unknown) => logger.error('scheduling work failed', { error }))
      .finally(() => underWay.delete(settled));
    underWay.add(settled);
  }

  /** The pod as the informer has it, if it still waits for a node. */
  function stillPending({ metadata }: Pod): Pod | undefined {
    const now = informers.pods.get(metadata?.namespace ?? '', metadata?.name ?? '');
    const same = now?.metadata?.uid === metadata?.uid;
    return same && !now?.spec?.nodeName && now?.metadata?.deletionTimestamp === undefined ? now : undefined;
  }

  function attempt(queued: QueuedPod): void {
    const startedMs = time.monotonic();
    const result = schedulePod(queued.pod, context);
    if (result.kind === 'placed') {
      nominations.withdraw(queued.pod.uid);
      state.addPod(result.nodeName, queued.pod);
      assumed.assume(queued.pod.uid, result.nodeName);
      bindings += 1;
      track(bind(queued, result.nodeName, startedMs));
      return;
    }
    reject(queued, result);
    observer.attempted('unschedulable', time.monotonic() - startedMs);
  }

  async function bind(queued: QueuedPod, nodeName: string, startedMs: number): Promise<void> {
    const { pod } = queued.pod;
    try {
      await writes.bind(pod, nodeName);
    } catch (error) {
      const unclear = isOutage(error) || isStatusError(error, 'Conflict');
      if (!unclear || !(await turnsOutBound(pod, nodeName))) {
        observer.attempted('error', time.monotonic() - startedMs);
        takeBack(queued, nodeName, error);
        return;
      }
    } finally {
      bindings -= 1;
      planTurn();
    }
    observer.attempted('scheduled', time.monotonic() - startedMs);
    observer.bound(queued.attempts, time.monotonic() - queued.sinceMs);
    logger.debug('pod bound', { ...describe(pod), nodeName });
    recorder.record(
      reference(pod),
      'Normal',
      'Scheduled',
      `Successfully assigned ${queued.pod.namespace}/${queued.pod.name} to ${nodeName}`,
    );
  }

  /**
   * A binding that nobody answered for may have been made, and so may one that is refused because the pod has a node:
   * until the pod itself says otherwise it counts on the node.
   * False also when stopped before an answer came.
   */
  async function turnsOutBound(pod: Pod, nodeName: string): Promise<boolean> {
    const backoff = createBackoff(ASK_AGAIN, random);
    while (phase === 'running') {
      await sleep(time, backoff.nextMs(), stopping.signal);
      try {
        const now = await writes.read(pod);
        return now.metadata?.uid === pod.metadata?.uid && now.spec?.nodeName === nodeName;
      } catch (error) {
        if (isStatusError(error) && !isOutage(error)) return false;
      }
    }
    return false;
  }

  function takeBack(queued: QueuedPod, nodeName: string, error: unknown): void {
    const { uid, pod } = queued.pod;
    logger.warn('binding failed', { ...describe(pod), nodeName, error });
    if (assumed.nodeNameOf(uid) === nodeName) {
      assumed.confirm(uid);
      state.removePod(uid);
      queue.move('AssignedPodDelete');
    }
    const now = stillPending(pod);
    if (now === undefined || phase !== 'running') return;
    queue.addBackoff({ ...queued, pod: toPodInfo(now, state.resources) });
    if (isStatusError(error, 'Conflict') || isStatusError(error, 'NotFound')) return;
    const message = `binding rejected: running Bind plugin "DefaultBinder": ${messageOf(error)}`;
    recorder.record(reference(pod), 'Warning', 'FailedScheduling', message);
    track(writes.setFailure(now, { reason: 'SchedulerError', message }));
  }

  function reject(queued: QueuedPod, result: Unfit): void {
    const { pod } = queued.pod;
    const preemption: PreemptionResult =
      result.message === NO_NODES
        ? { kind: 'none', message: '', clearNomination: true }
        : planPreemption(result.candidate, result.rejections, informers.disruptionBudgets.list(), context);
    const text = preemption.kind === 'none' ? `${result.message} ${preemption.message}`.trimEnd() : result.message;
    queue.addUnschedulable(queued, result.plugins);
    recorder.record(reference(pod), 'Warning', 'FailedScheduling', text);
    logger.debug('pod fits nowhere', { ...describe(pod), reason: text });
    let nominatedNodeName: string | undefined;
    if (preemption.kind === 'nominate') {
      nominatedNodeName = preemption.nodeName;
      nominate(queued, preemption);
    } else if (preemption.clearNomination) {
      nominatedNodeName = '';
      if (nominations.nodeNameOf(queued.pod.uid) !== undefined) {
        nominations.withdraw(queued.pod.uid);
        queue.move('AssignedPodDelete');
      }
    }
    const failure = { reason: 'Unschedulable', message: text } as const;
    track(
      writes.setFailure(
        stillPending(pod) ?? pod,
        nominatedNodeName === undefined ? failure : { ...failure, nominatedNodeName },
      ),
    );
  }

  /** Pods of lower priority that waited for the same node look for another. */
  function nominate({ pod }: QueuedPod, { nodeName, victims }: Extract<PreemptionResult, { kind: 'nominate' }>): void {
    for (const other of nominations.on(nodeName)) {
      if (other.uid === pod.uid || other.priority >= pod.priority) continue;
      nominations.withdraw(other.uid);
      if (queue.has(other.uid)) queue.put(other, true);
      track(writes.clearNomination(stillPending(other.pod) ?? other.pod));
    }
    nominations.nominate(pod, nodeName);
    for (const victim of victims) track(preempt(pod.uid, victim.pod, pod.pod, nodeName));
  }

  async function preempt(uid: string, victim: Pod, preemptor: Pod, nodeName: string): Promise<void> {
    try {
      await writes.preempt(victim, preemptor);
    } catch (error) {
      logger.warn('preemption failed', { victim: describe(victim), preemptor: describe(preemptor), error });
      nominations.withdraw(uid);
      const now = stillPending(preemptor);
      if (now !== undefined && queue.has(uid)) queue.put(toPodInfo(now, state.resources), true);
      return;
    }
    const text = `Preempted by pod ${preemptor.metadata?.uid ?? ''} on node ${nodeName}`;
    recorder.record(reference(victim), 'Normal', 'Preempted', text);
  }

  async function begin(): Promise<void> {
    const { client } = options;
    if (!(await informers.whenSynced())) return;
    const seen = { client, pods: informers.pods, time, random, logger, signal: stopping.signal };
    if (!(await boundPodsSeen(seen)) || phase !== 'waiting') return;
    phase = 'running';
    stopWatching = watchCluster({ informers, state, queue, nominations, assumed, schedulerName });
    logger.info('scheduling', { nodes: informers.nodes.size, pods: informers.pods.size });
    planTurn();
  }

  return {
    start() {
      if (phase !== 'idle') return;
      phase = 'waiting';
      track(begin());
    },
    async stop() {
      phase = 'stopped';
      stopping.abort();
      stopWatching?.();
      cancelTurn?.();
      queue.stop();
      await Promise.all(underWay);
    },
    pending: (place) => queue.count(place),
    get binding() {
      return bindings;
    },
  };
}

/** Objects from lists may lack what an Event's reference to them needs. */
const reference = ({ metadata }: Pod): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  ...(metadata === undefined ? {} : { metadata }),
});
