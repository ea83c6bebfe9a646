/**
 * Brings one pod about and to its end: observes, plans, publishes the status and carries out the plan's actions.
 *
 * One pass at a time. What creates or starts runs one at a time beside the passes, and a pass that was overtaken by it plans
 * again from a fresh observation, so nothing is made twice. Stopping it leaves everything running.
 */
import type { Container, Pod, PodStatus } from '@periplus/api/kinds';
import { sleep } from '@periplus/base/stdx';
import { killContainer } from './container-killer.js';
import { downwardFacts, startContainer, StartFailure } from './container-starter.js';
import { matchesLabels } from './label-match.js';
import { createLastWordsReader } from './last-words.js';
import type { NodeContext } from './node-context.js';
import { isAlive, newestInstance, nothingObserved, type ObservedPod, readySandbox } from './observed-pod.js';
import { createPodEvents } from './pod-events.js';
import { containersOf, gracePeriodOf, identityOf, isTerminalPhase } from './pod-facts.js';
import { PodHostError } from './pod-host.js';
import { createPodObserver } from './pod-observer.js';
import { planPod, planRemoval, type PodAction } from './pod-plan.js';
import { containerHash, type PodEnding, type PodSituation, type WaitingReason } from './pod-situation.js';
import { podStatus } from './pod-status.js';
import { createPodProbes } from './probes.js';
import { podCgroup } from './resources.js';
import { CONTAINER_RESTART_DELAYS, createRetryDelays } from './retry-delays.js';
import { type ContainerDetails, isRuntimeError, type PodIdentity, type SandboxConfig } from './runtime.js';
import { hostsFile, sandboxConfig } from './sandbox-config.js';
import { parseTime } from './timestamp.js';
import type { VolumePlan } from './volume-plan.js';
import { hasLiveVolumes, planVolumes, VolumeReferenceError } from './volume-planning.js';

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

const SANDBOX_DELAYS = { initialMs: 1_000, maxMs: 30_000, forgetAfterMs: 120_000 };
const START_DELAYS = { initialMs: 2_000, maxMs: 60_000, forgetAfterMs: 300_000 };
const VOLUME_REFRESH_MS = 60_000;
const RETRY_PASS_MS = 1_000;
const RETRY_REMOVAL_MS = 2_000;
const EARLIER_BY_MS = 1_000;

export function createPodWorker(options: PodWorkerOptions): PodWorker {
  const { context } = options;
  const { runtime, host, time, logger: nodeLogger } = context;
  const identity = identityOf(options.pod);
  const logger = nodeLogger.with({ pod: `${identity.namespace}/${identity.name}`, uid: identity.uid });
  let pod = options.pod;
  const events = createPodEvents(context.events, () => pod);
  const observer = createPodObserver(runtime, identity);
  const lastWords = createLastWordsReader(host);
  const probes = createPodProbes(context, events, () => reconcile());
  const restartDelays = createRetryDelays(CONTAINER_RESTART_DELAYS);
  const startDelays = createRetryDelays(START_DELAYS);
  const sandboxDelays = createRetryDelays(SANDBOX_DELAYS);
  const failedStarts = new Map<string, WaitingReason & { retryAtMs: number }>();
  const kills = new Map<string, { deadlineMs: number }>();
  const removals = new Set<string>();
  const toldBackOff = new Set<string>();

  let observed: ObservedPod = nothingObserved(identity);
  let ending: PodEnding | undefined;
  let endStatus: { reason: string; message: string } | undefined;
  let settledPhase: 'Succeeded' | 'Failed' | undefined;
  let failedSandbox: (WaitingReason & { retryAtMs: number }) | undefined;
  let volumes: readonly VolumePlan[] | undefined;
  let lastStatus: PodStatus | undefined;
  let startTimeMs = parseTime(pod.status?.startTime);
  let inApi = options.inApi;
  let stopped = false;
  let removed = false;
  let removing = false;
  let tornDown = false;
  /** Counts beginnings and ends of what creates, starts and removes: an observation that spans one is out of date. */
  let mutations = 0;
  let starting: { readonly name: string; readonly abort: AbortController } | undefined;
  let busy = false;
  let again = false;
  let cancelWake: (() => void) | undefined;
  let cancelRefresh: (() => void) | undefined;

  const delayKey = (instance: ContainerDetails): string => `${instance.name}/${instance.specHash}`;

  function situation(): PodSituation {
    return {
      pod,
      observed,
      nowMs: time.now(),
      ending,
      settledPhase,
      lastConditions: lastStatus?.conditions ?? pod.status?.conditions ?? [],
      failedStarts,
      failedSandbox,
      restartDelayMs: (instance) => restartDelays.delayMs(delayKey(instance), instance.finishedAtMs),
      health: (instance) => probes.health(instance.id),
    };
  }

  async function isServed(): Promise<boolean> {
    const conditions = (lastStatus ?? pod.status)?.conditions ?? [];
    if (conditions.find((condition) => condition.type === 'Ready')?.status !== 'True') return false;
    const services = await context.services().catch(() => []);
    return services.some(
      (service) =>
        service.metadata?.namespace === identity.namespace &&
        matchesLabels(service.spec?.selector, pod.metadata?.labels),
    );
  }

  /** An end that is under way can only come sooner. */
  async function beginEnding(why: PodEnding['why'], graceSeconds: number, sinceMs: number): Promise<void> {
    const nowMs = time.now();
    const first = ending === undefined;
    const drains = first && why === 'deleted' && inApi && graceSeconds > 0 && (await isServed());
    if (first) {
      const drainMs = drains ? Math.min(context.drainMs, graceSeconds * 500) : 0;
      ending = { why, sinceMs, graceSeconds, drainUntilMs: nowMs + drainMs };
    } else if (ending) {
      const sooner = sinceMs + graceSeconds * 1000 < ending.sinceMs + ending.graceSeconds * 1000;
      const shown = why === 'deleted' ? why : ending.why;
      ending = sooner
        ? { why: shown, sinceMs, graceSeconds, drainUntilMs: Math.min(ending.drainUntilMs, nowMs) }
        : { ...ending, why: shown };
    }
    starting?.abort.abort();
  }

  /** Deletion and deadlines, as the pod's own fields and the clock say. */
  async function noticeEnding(): Promise<void> {
    const nowMs = time.now();
    const deletedAtMs = parseTime(pod.metadata?.deletionTimestamp);
    if (!inApi) {
      const promised = observed.containers.find(isAlive)?.gracePeriodSeconds ?? 30;
      const graceSeconds = pod.spec ? Math.max(1, gracePeriodOf(pod)) : promised;
      if (ending?.why !== 'deleted') await beginEnding('deleted', graceSeconds, ending?.sinceMs ?? nowMs);
    } else if (deletedAtMs !== undefined) {
      const graceSeconds = gracePeriodOf(pod);
      await beginEnding('deleted', graceSeconds, deletedAtMs - graceSeconds * 1000);
    }
    const deadline = deadlineMs();
    if (!ending && deadline !== undefined && nowMs >= deadline) {
      events.record('Normal', 'DeadlineExceeded', 'Pod was active on the node longer than the specified deadline');
      await beginEnding('deadline', pod.spec?.terminationGracePeriodSeconds ?? 30, nowMs);
    }
    const phase = settledPhase ?? pod.status?.phase;
    if (!ending && isTerminalPhase(phase)) {
      await beginEnding('finished', pod.spec?.terminationGracePeriodSeconds ?? 30, nowMs);
    }
  }

  function deadlineMs(): number | undefined {
    const seconds = pod.spec?.activeDeadlineSeconds;
    return seconds === undefined || startTimeMs === undefined ? undefined : startTimeMs + seconds * 1000;
  }

  function reconcile(): void {
    if (stopped || removed) return;
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
      } while (again && !stopped && !removed);
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
    await lastWords.read(
      pod,
      observed.containers.filter(({ state }) => state === 'exited'),
    );
    for (const { container } of containersOf(pod)) {
      const instance = newestInstance(observed, container.name);
      if (instance) restartDelays.seed(delayKey(instance), instance.restartCount, instance.createdAtMs);
    }
    await noticeEnding();
    const running = observed.containers.filter(({ state }) => state === 'running');
    probes.watch(pod, running, podIps()[0] ?? '', ending !== undefined);
    if (mutations !== epoch) {
      again = true;
      return;
    }
    const plan = planPod(situation());
    const over = ending !== undefined && plan.ended && !starting && kills.size === 0;
    const status = publishStatus(over);
    if (!ending && isTerminalPhase(status.phase)) {
      settledPhase = status.phase;
      again = true;
      return;
    }
    tellBackOff();
    for (const action of plan.actions) perform(action);
    const wakes = [plan.wakeAtMs, ending ? undefined : deadlineMs()].filter((atMs) => atMs !== undefined);
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
    const waiting = [...(lastStatus?.initContainerStatuses ?? []), ...(lastStatus?.containerStatuses ?? [])];
    for (const status of waiting) {
      const id = status.containerID ?? '';
      if (status.state?.waiting?.reason !== 'CrashLoopBackOff' || toldBackOff.has(id)) continue;
      toldBackOff.add(id);
      const where = `pod ${identity.name}_${identity.namespace}(${identity.uid})`;
      events.record(
        'Warning',
        'BackOff',
        `Back-off restarting failed container ${status.name} in ${where}`,
        status.name,
      );
    }
    for (const id of toldBackOff) if (!waiting.some((status) => status.containerID === id)) toldBackOff.delete(id);
  }

  async function afterEnd(): Promise<void> {
    if (ending?.why !== 'deleted') {
      if (tornDown) return;
      await host.tearDown(identity);
      tornDown = true;
      volumes = undefined;
      return;
    }
    if (removing) return;
    removing = true;
    void removeAll();
  }

  async function removeAll(): Promise<void> {
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
      removed = true;
      leave();
      options.onRemoved();
    } catch (error) {
      if (stopped) return;
      logger.warn('the pod could not be removed yet', { error });
      time.after(RETRY_REMOVAL_MS, () => void (stopped || removeAll()));
    }
  }

  function perform(action: PodAction): void {
    switch (action.kind) {
      case 'createSandbox':
        if (!starting) void begin('', () => createSandbox(action.attempt, action.stopFirst));
        return;
      case 'startContainer': {
        const place = containersOf(pod).find(({ container }) => container.name === action.name);
        if (place && !starting) void begin(action.name, (signal) => start(action, place.container, signal));
        return;
      }
      case 'killContainer':
        kill(action);
        return;
      case 'stopSandbox':
        dispose(action.sandboxId, () => runtime.stopSandbox(action.sandboxId));
        return;
      case 'removeContainer':
        if (starting?.name !== observed.containers.find(({ id }) => id === action.containerId)?.name)
          dispose(action.containerId, () => runtime.removeContainer(action.containerId));
        return;
      case 'removeSandbox':
        dispose(action.sandboxId, () => runtime.removeSandbox(action.sandboxId));
    }
  }

  /** Of what creates and starts, one at a time. */
  async function begin(name: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const abort = new AbortController();
    starting = { name, abort };
    mutations += 1;
    try {
      await work(abort.signal);
    } catch (error) {
      logger.error('starting failed unexpectedly', { container: name, error });
      noteFailedStart(name, { reason: 'RunContainerError', message: String(error) });
    } finally {
      starting = undefined;
      mutations += 1;
      reconcile();
    }
  }

  function dispose(id: string, work: () => Promise<void>): void {
    if (removals.has(id)) return;
    removals.add(id);
    mutations += 1;
    void work()
      .catch((error: unknown) => {
        logger.warn('something of the pod could not be taken away yet', { id, error });
        return sleep(time, RETRY_PASS_MS);
      })
      .finally(() => {
        removals.delete(id);
        mutations += 1;
        reconcile();
      });
  }

  function kill(action: Extract<PodAction, { kind: 'killContainer' }>): void {
    const { containerId, name, graceSeconds, message } = action;
    const deadline = time.now() + graceSeconds * 1000;
    const known = kills.get(containerId);
    if (known) {
      if (deadline < known.deadlineMs - EARLIER_BY_MS) {
        known.deadlineMs = deadline;
        runtime
          .stopContainer(containerId, graceSeconds)
          .catch((error: unknown) => logger.warn('a container could not be stopped sooner', { containerId, error }));
      }
      return;
    }
    kills.set(containerId, { deadlineMs: deadline });
    const container = containersOf(pod).find((place) => place.container.name === name)?.container;
    const podIp = podIps()[0] ?? '';
    void killContainer(context, { container, containerId, name, podIp, graceSeconds, message, events })
      .catch((error: unknown) => {
        logger.warn('a container could not be stopped', { containerId, error });
        const text = error instanceof Error ? error.message : String(error);
        events.record('Warning', 'FailedKillPod', `error killing pod: ${text}`);
        return sleep(time, RETRY_PASS_MS);
      })
      .finally(() => {
        kills.delete(containerId);
        reconcile();
      });
  }

  function podIps(): readonly string[] {
    return pod.spec?.hostNetwork ? context.hostIps : (readySandbox(observed)?.ips ?? []);
  }

  async function setUpVolumes(): Promise<readonly VolumePlan[]> {
    const plans = await planVolumes({
      pod,
      objects: context.objects(identity.namespace),
      tokens: context.tokens,
      facts: downwardFacts(context, podIps()),
    });
    const security = pod.spec?.securityContext;
    const changePolicy = security?.fsGroupChangePolicy === 'OnRootMismatch' ? 'OnRootMismatch' : 'Always';
    await host.setUpVolumes(identity, plans, {
      ...(security?.fsGroup === undefined ? {} : { fsGroup: security.fsGroup }),
      changePolicy,
    });
    volumes = plans;
    return plans;
  }

  async function configOfSandbox(attempt: number): Promise<SandboxConfig> {
    return sandboxConfig(pod, attempt, '', {
      clusterDns: context.clusterDns,
      clusterDomain: context.clusterDomain,
      nodeDns: context.nodeDns,
      logDirectory: await host.logDirectory(identity),
      cgroupParent: await host.ensureCgroup(identity, podCgroup(pod)),
    });
  }

  async function createSandbox(attempt: number, stopFirst: readonly string[]): Promise<void> {
    let reason = 'FailedMount';
    try {
      await setUpVolumes();
      reason = 'FailedCreatePodSandBox';
      const config = await configOfSandbox(attempt);
      for (const id of stopFirst) await runtime.stopSandbox(id);
      await runtime.runSandbox(config);
      failedSandbox = undefined;
    } catch (error) {
      const known = error instanceof VolumeReferenceError || error instanceof PodHostError || isRuntimeError(error);
      const text = error instanceof Error ? error.message : String(error);
      if (!known) logger.warn('the sandbox could not be prepared', { error });
      events.record('Warning', reason, reason === 'FailedMount' ? text : `Failed to create pod sandbox: ${text}`);
      const nowMs = time.now();
      failedSandbox = { reason, message: text, retryAtMs: nowMs + sandboxDelays.next('sandbox', nowMs) };
    }
  }

  function noteFailedStart(name: string, failure: WaitingReason & { retryAtMs?: number }): void {
    const nowMs = time.now();
    const retryAtMs = failure.retryAtMs ?? nowMs + startDelays.next(name, nowMs);
    failedStarts.set(name, { reason: failure.reason, message: failure.message, retryAtMs });
  }

  async function start(
    action: Extract<PodAction, { kind: 'startContainer' }>,
    container: Container,
    signal: AbortSignal,
  ): Promise<void> {
    const { name, restartCount, sandboxId, afterExitAtMs } = action;
    const target = pod.spec?.ephemeralContainers?.find((candidate) => candidate.name === name)?.targetContainerName;
    const targetContainerId = target === undefined ? undefined : newestInstance(observed, target)?.id;
    const ips = podIps();
    try {
      const plans = volumes ?? (await setUpVolumes());
      const sandbox = observed.sandboxes.find(({ id }) => id === sandboxId);
      const config = await configOfSandbox(sandbox?.attempt ?? 0);
      const hosts = pod.spec?.hostNetwork
        ? undefined
        : await host.writeHostsFile(identity, hostsFile(pod, ips, context.clusterDomain));
      if (afterExitAtMs !== undefined) restartDelays.next(`${name}/${containerHash(container)}`, afterExitAtMs);
      await startContainer(context, {
        pod,
        container,
        restartCount,
        sandboxId,
        sandbox: config,
        podIps: ips,
        volumes: plans,
        hostsFile: hosts,
        events,
        signal,
        ...(targetContainerId === undefined ? {} : { targetContainerId }),
        holdBack: probes.holdBack,
      });
      failedStarts.delete(name);
    } catch (error) {
      if (error instanceof StartFailure) {
        const { reason, message, retryAtMs } = error;
        noteFailedStart(name, { reason, message, ...(retryAtMs === undefined ? {} : { retryAtMs }) });
        return;
      }
      const text = error instanceof Error ? error.message : String(error);
      if (error instanceof VolumeReferenceError) events.record('Warning', 'FailedMount', text);
      else logger.warn('a container could not be started', { container: name, error });
      noteFailedStart(name, { reason: 'CreateContainerError', message: text });
    }
  }

  async function refreshVolumes(): Promise<void> {
    if (ending || volumes === undefined) return;
    try {
      await setUpVolumes();
    } catch (error) {
      logger.debug('volumes could not be brought up to date', { error });
    }
  }

  function scheduleRefresh(): void {
    const delayMs = VOLUME_REFRESH_MS * (1 + 0.2 * context.random.next());
    cancelRefresh = time.after(delayMs, () => {
      if (hasLiveVolumes(pod)) void adoptVolumes().then(refreshVolumes);
      scheduleRefresh();
    });
  }

  /** After a restart of this process the volumes of a pod that runs are taken up at the first refresh. */
  async function adoptVolumes(): Promise<void> {
    if (volumes === undefined && !ending && readySandbox(observed)) {
      await setUpVolumes().catch((error: unknown) => logger.debug('volumes could not be taken up', { error }));
    }
  }

  /** A change by the user may mend what failed, so it is tried again at once. */
  function retryFailures(): void {
    failedSandbox = failedSandbox && { ...failedSandbox, retryAtMs: 0 };
    for (const [name, failure] of failedStarts) {
      const pulls = failure.reason === 'ErrImagePull' || failure.reason === 'ImagePullBackOff';
      if (!pulls) failedStarts.set(name, { ...failure, retryAtMs: 0 });
    }
  }

  function leave(): void {
    cancelWake?.();
    cancelRefresh?.();
    probes.stop();
  }

  function volumeInputs(value: Pod): string {
    return JSON.stringify([value.metadata?.labels, value.metadata?.annotations, value.spec]);
  }

  scheduleRefresh();
  reconcile();

  return {
    identity,
    update(next) {
      const changed = volumeInputs(next) !== volumeInputs(pod);
      pod = next;
      inApi = true;
      if (changed) {
        retryFailures();
        void refreshVolumes();
      }
      reconcile();
    },
    gone() {
      inApi = false;
      reconcile();
    },
    end(why, graceSeconds, status) {
      endStatus ??= status;
      void beginEnding(why, graceSeconds, time.now()).then(reconcile);
    },
    poke: reconcile,
    refresh() {
      retryFailures();
      if (hasLiveVolumes(pod)) void refreshVolumes();
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
