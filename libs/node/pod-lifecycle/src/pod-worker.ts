/**
 * Brings one pod about and to its end: observes, plans, publishes the status and carries out the plan's actions.
 *
 * One pass at a time. What creates or starts runs one at a time beside the passes, and a pass that was overtaken by it plans
 * again from a fresh observation, so nothing is made twice. Stopping it leaves everything running.
 */
import type { Pod, PodStatus } from '@periplus/api/kinds';
import { matchesLabels } from './label-match.js';
import { createLastWordsReader } from './last-words.js';
import type { NodeContext } from './node-context.js';
import { nothingObserved, type ObservedPod, readySandbox } from './observed-pod.js';
import { deadlineOf, joinEnding, nextEnding } from './pod-ending.js';
import { createPodEvents } from './pod-events.js';
import { identityOf, isTerminalPhase } from './pod-facts.js';
import { createPodObserver } from './pod-observer.js';
import { planPod, planRemoval, type PodAction } from './pod-plan.js';
import type { PodEnding, PodSituation } from './pod-situation.js';
import { createPodStarts } from './pod-starts.js';
import { podStatus } from './pod-status.js';
import { createPodStops } from './pod-stops.js';
import { createPodVolumes } from './pod-volumes.js';
import { createPodProbes } from './probes.js';
import type { PodIdentity } from './runtime.js';
import { parseTime } from './timestamp.js';

export interface PodWorker {
  readonly identity: PodIdentity;
  /** The newest state of the pod in the API, or of its file. */
  update(pod: Pod): void;
  /** The pod is no longer in the API: everything of it goes. */
  gone(): void;
  /** Ends it from this node's side. */
  end(why: 'evicted' | 'rejected', graceSeconds: number, status: { reason: string; message: string }): void;
  /** The runtime has news of it. */
  poke(): void;
  /** An object or service that it may refer to has changed. */
  refresh(): void;
  /** As last computed. */
  status(): PodStatus | undefined;
  pod(): Pod;
  /** Leaves everything as it is. */
  stop(): void;
}

export interface PodWorkerOptions {
  readonly context: NodeContext;
  readonly pod: Pod;
  /** False for what the runtime has of a pod that nobody knows any more: it is ended. */
  readonly inApi: boolean;
  /** Hears of every change of the status. */
  publish(pod: Pod, status: PodStatus): void;
  /** Resolves when the API has what was last published, or has no such pod. */
  published(uid: string): Promise<void>;
  /** Takes the pod out of the API for good, once nothing of it is left here. */
  remove(pod: Pod): Promise<void>;
  /** Nothing is left of it, here and in the API. */
  onRemoved(): void;
}

const RETRY_PASS_MS = 1_000;
const RETRY_REMOVAL_MS = 2_000;

export function createPodWorker(options: PodWorkerOptions): PodWorker {
  const { context } = options;
  const { runtime, host, time } = context;
  const identity = identityOf(options.pod);
  const logger = context.logger.with({ pod: `${identity.namespace}/${identity.name}`, uid: identity.uid });

  let pod = options.pod;
  let inApi = options.inApi;
  let observed: ObservedPod = nothingObserved(identity);
  let ending: PodEnding | undefined;
  let endStatus: { reason: string; message: string } | undefined;
  let settledPhase: 'Succeeded' | 'Failed' | undefined;
  let lastStatus: PodStatus | undefined;
  let startTimeMs = parseTime(pod.status?.startTime);

  let starting: { readonly name: string; readonly abort: AbortController } | undefined;
  /** Counts beginnings and ends of what changes the runtime: an observation that spans one is out of date. */
  let mutations = 0;
  let busy = false;
  let again = false;
  let stopped = false;
  let removal: 'none' | 'underWay' | 'done' = 'none';
  let tornDown = false;
  let cancelWake: (() => void) | undefined;
  const toldBackOff = new Set<string>();

  const podIps = (): readonly string[] =>
    pod.spec?.hostNetwork ? context.hostIps : (readySandbox(observed)?.ips ?? []);
  const done = (): void => {
    mutations += 1;
    reconcile();
  };
  const events = createPodEvents(context.events, () => pod);
  const observer = createPodObserver(runtime, identity);
  const lastWords = createLastWordsReader(host);
  const probes = createPodProbes(context, events, () => reconcile());
  const common = { context, events, pod: () => pod, podIps };
  const volumes = createPodVolumes({ ...common, isUp: () => !ending && readySandbox(observed) !== undefined });
  const starts = createPodStarts({ ...common, volumes, observed: () => observed, holdBack: probes.holdBack });
  const stops = createPodStops({ ...common, onDone: done });

  function situation(): PodSituation {
    return {
      pod,
      observed,
      nowMs: time.now(),
      ending,
      settledPhase,
      lastConditions: lastStatus?.conditions ?? pod.status?.conditions ?? [],
      failedStarts: starts.failedContainers,
      failedSandbox: starts.failedSandbox(),
      restartDelayMs: starts.restartDelayMs,
      health: (instance) => probes.health(instance.id),
    };
  }

  /** Only what serves behind a Service is given time to drain. */
  async function drainMs(): Promise<number> {
    const conditions = (lastStatus ?? pod.status)?.conditions ?? [];
    if (conditions.find(({ type }) => type === 'Ready')?.status !== 'True') return 0;
    const services = await context.services().catch(() => []);
    const { namespace } = identity;
    const served = services.some(
      ({ metadata, spec }) => metadata?.namespace === namespace && matchesLabels(spec?.selector, pod.metadata?.labels),
    );
    return served ? context.drainMs : 0;
  }

  async function noticeEnding(startedMs: number): Promise<void> {
    const deleting = ending === undefined && inApi && pod.metadata?.deletionTimestamp !== undefined;
    const drain = deleting ? await drainMs() : 0;
    const inputs = { pod, inApi, observed, ending, settledPhase, startTimeMs: startedMs, nowMs: time.now() };
    const next = nextEnding({ ...inputs, drainMs: drain });
    if (next?.why === 'deadline' && !ending)
      events.record('Normal', 'DeadlineExceeded', 'Pod was active on the node longer than the specified deadline');
    ending = next;
    if (ending) starting?.abort.abort();
  }

  function reconcile(): void {
    if (stopped || removal === 'done') return;
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    void passes();
  }

  async function passes(): Promise<void> {
    try {
      do {
        again = false;
        await pass();
      } while (again && !stopped && removal !== 'done');
    } catch (error) {
      logger.warn('a pass over the pod failed', { error });
      wakeAfter(RETRY_PASS_MS);
    } finally {
      busy = false;
    }
  }

  function wakeAfter(delayMs: number): void {
    cancelWake?.();
    cancelWake = stopped ? undefined : time.after(Math.max(0, delayMs), reconcile);
  }

  async function pass(): Promise<void> {
    const epoch = mutations;
    observed = await observer.observe();
    startTimeMs ??= time.now();
    const { containers } = observed;
    const exited = containers.filter(({ state }) => state === 'exited');
    await lastWords.read(pod, exited);
    starts.seedDelays(observed);
    await noticeEnding(startTimeMs);
    const running = containers.filter(({ state }) => state === 'running');
    probes.watch(pod, running, podIps()[0] ?? '', ending !== undefined);
    if (mutations !== epoch) {
      again = true;
      return;
    }
    const plan = planPod(situation());
    const over = ending !== undefined && plan.ended && !starting && !stops.isKilling();
    const status = publishStatus(over);
    if (!ending && isTerminalPhase(status.phase)) {
      settledPhase = status.phase;
      again = true;
      return;
    }
    tellBackOff();
    for (const action of plan.actions) perform(action);
    const deadline = ending ? undefined : deadlineOf(pod, startTimeMs);
    const wakes = [plan.wakeAtMs, deadline].filter((atMs) => atMs !== undefined);
    if (wakes.length > 0) wakeAfter(Math.min(...wakes) - time.now());
    if (over) await afterEnd();
  }

  function publishStatus(over: boolean): PodStatus {
    const computed = podStatus(situation(), context, lastWords.of, startTimeMs ?? time.now(), over);
    const status = endStatus ? { ...computed, ...endStatus } : computed;
    if (over && isTerminalPhase(status.phase)) settledPhase = status.phase;
    lastStatus = status;
    if (inApi) options.publish(pod, status);
    return status;
  }

  /** Once for each end of a container that has to wait for its restart. */
  function tellBackOff(): void {
    const statuses = [...(lastStatus?.initContainerStatuses ?? []), ...(lastStatus?.containerStatuses ?? [])];
    const waiting = statuses.filter(({ state }) => state?.waiting?.reason === 'CrashLoopBackOff');
    for (const { containerID = '', name } of waiting) {
      if (toldBackOff.has(containerID)) continue;
      toldBackOff.add(containerID);
      const where = `pod ${identity.name}_${identity.namespace}(${identity.uid})`;
      events.record('Warning', 'BackOff', `Back-off restarting failed container ${name} in ${where}`, name);
    }
    for (const id of toldBackOff) if (!statuses.some(({ containerID }) => containerID === id)) toldBackOff.delete(id);
  }

  function perform(action: PodAction): void {
    switch (action.kind) {
      case 'createSandbox':
        begin('', () => starts.createSandbox(action.attempt, action.stopFirst));
        return;
      case 'startContainer':
        begin(action.name, (signal) => starts.startContainer(action, signal));
        return;
      case 'killContainer':
        stops.kill(action);
        return;
      case 'stopSandbox':
        stops.dispose(action.sandboxId, () => runtime.stopSandbox(action.sandboxId));
        return;
      case 'removeContainer': {
        const name = observed.containers.find(({ id }) => id === action.containerId)?.name;
        if (starting === undefined || starting.name !== name)
          stops.dispose(action.containerId, () => runtime.removeContainer(action.containerId));
        return;
      }
      case 'removeSandbox':
        stops.dispose(action.sandboxId, () => runtime.removeSandbox(action.sandboxId));
    }
  }

  /** Of what creates and starts, one at a time. */
  function begin(name: string, work: (signal: AbortSignal) => Promise<void>): void {
    if (starting) return;
    const abort = new AbortController();
    starting = { name, abort };
    mutations += 1;
    work(abort.signal)
      .catch((error: unknown) => logger.error('a start failed in a way that it should not', { error }))
      .finally(() => {
        starting = undefined;
        done();
      });
  }

  /** A pod that ended but stays in the API keeps its containers, for their logs; a deleted one leaves nothing. */
  async function afterEnd(): Promise<void> {
    if (ending?.why === 'deleted') {
      if (removal === 'none') void removeAll();
      return;
    }
    if (tornDown) return;
    await host.tearDown(identity);
    tornDown = true;
    volumes.forget();
  }

  async function removeAll(): Promise<void> {
    removal = 'underWay';
    try {
      if (inApi) await options.published(identity.uid);
      for (let left = planRemoval({ observed }); left.length > 0; left = planRemoval({ observed })) {
        for (const action of left) {
          if (action.kind === 'removeContainer') await runtime.removeContainer(action.containerId);
          if (action.kind === 'removeSandbox') await runtime.removeSandbox(action.sandboxId);
        }
        observed = await observer.observe();
      }
      await host.tearDown(identity);
      await host.removeLogs(identity);
      if (inApi) await options.remove(pod);
      removal = 'done';
      leave();
      options.onRemoved();
    } catch (error) {
      if (stopped) return;
      logger.warn('the pod could not be removed yet', { error });
      time.after(RETRY_REMOVAL_MS, () => void (stopped || removeAll()));
    }
  }

  function leave(): void {
    cancelWake?.();
    volumes.stop();
    probes.stop();
  }

  const givenByUser = (value: Pod): string =>
    JSON.stringify([value.metadata?.labels, value.metadata?.annotations, value.spec]);

  reconcile();

  return {
    identity,
    update(next) {
      const changed = givenByUser(next) !== givenByUser(pod);
      pod = next;
      inApi = true;
      if (changed) {
        starts.retryFailures();
        void volumes.refresh();
      }
      reconcile();
    },
    gone() {
      inApi = false;
      reconcile();
    },
    end(why, graceSeconds, status) {
      endStatus ??= status;
      ending = joinEnding(ending, why, time.now(), graceSeconds, 0, time.now());
      reconcile();
    },
    poke: reconcile,
    refresh() {
      starts.retryFailures();
      void volumes.refresh();
      reconcile();
    },
    status: () => lastStatus,
    pod: () => pod,
    stop() {
      stopped = true;
      leave();
    },
  };
}
