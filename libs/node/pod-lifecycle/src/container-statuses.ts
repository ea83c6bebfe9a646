/** What a pod's status says of each of its containers. */
import type { ContainerState, ContainerStateTerminated, ContainerStatus } from '@periplus/api/kinds';
import { formatTime } from '@periplus/base/clock';
import { type ContainerPlace, containersOf, type ContainerRole, restartPolicyOf } from './pod-facts.js';
import { newestInstance, previousInstance, readySandbox } from './observed-pod.js';
import { type PodSituation, reportedStatus } from './pod-situation.js';
import type { ContainerDetails } from './runtime.js';

/** The last words of a container that ended, by its id; '' when it left none or they aren't read yet. */
export type LastWords = (containerId: string) => string;

function terminated(instance: ContainerDetails, lastWords: LastWords): ContainerStateTerminated {
  const words = lastWords(instance.id);
  const message = words !== '' ? words : instance.message;
  const reason = instance.reason || (instance.exitCode === 0 ? 'Completed' : 'Error');
  return {
    exitCode: instance.exitCode,
    reason,
    ...(message === '' ? {} : { message }),
    startedAt: formatTime(instance.startedAtMs || instance.createdAtMs),
    finishedAt: formatTime(instance.finishedAtMs),
    containerID: `containerd://${instance.id}`,
  };
}

/** The runtime lost a container that the API knew: nobody can tell how it ended. */
const lost = (status: ContainerStatus): ContainerStateTerminated => ({
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was terminated',
  ...(status.containerID === undefined ? {} : { containerID: status.containerID }),
  ...(status.state?.running?.startedAt === undefined ? {} : { startedAt: status.state.running.startedAt }),
});

function restarts(situation: PodSituation, role: ContainerRole, instance: ContainerDetails): boolean {
  if (situation.ending) return false;
  if (role === 'sidecar') return true;
  if (role === 'ephemeral') return false;
  const policy = restartPolicyOf(situation.pod);
  if (policy === 'Never') return false;
  return instance.exitCode !== 0 || (policy === 'Always' && role === 'main');
}

function formatDelay(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds % 60}s`;
}

/** What a container waits for after an exit; undefined while its restart is due. */
function crashWaiting(situation: PodSituation, instance: ContainerDetails): ContainerState | undefined {
  const failed = situation.failedStarts.get(instance.name);
  if (failed) return { waiting: { reason: failed.reason, message: failed.message } };
  const delayMs = situation.restartDelayMs(instance);
  if (delayMs === 0 || instance.finishedAtMs + delayMs <= situation.nowMs) return undefined;
  const { pod, name } = instance;
  const who = `container=${name} pod=${pod.name}_${pod.namespace}(${pod.uid})`;
  return {
    waiting: {
      reason: 'CrashLoopBackOff',
      message: `back-off ${formatDelay(delayMs)} restarting failed ${who}`,
    },
  };
}

function missing(situation: PodSituation, place: ContainerPlace, initialized: boolean): ContainerStatus {
  const { name, image = '' } = place.container;
  const reported = reportedStatus(situation.pod, name);
  const base = { name, ready: false, started: false, image, imageID: '', restartCount: reported?.restartCount ?? 0 };
  const failed = situation.failedStarts.get(name);
  const last = reported?.state?.terminated ?? (reported?.state?.running ? lost(reported) : undefined);
  if (last && (situation.ending || (!readySandbox(situation.observed) && restartPolicyOf(situation.pod) === 'Never'))) {
    return { ...base, state: { terminated: last }, ...(reported?.lastState ? { lastState: reported.lastState } : {}) };
  }
  const blocked = place.role === 'main' && !initialized && (situation.pod.spec?.initContainers ?? []).length > 0;
  const reason = failed?.reason ?? (blocked ? 'PodInitializing' : 'ContainerCreating');
  const message = failed?.message ?? '';
  const lastState = last ? { terminated: last } : reported?.lastState;
  return {
    ...base,
    state: { waiting: { reason, ...(message === '' ? {} : { message }) } },
    ...(lastState ? { lastState } : {}),
  };
}

function describe(
  situation: PodSituation,
  place: ContainerPlace,
  initialized: boolean,
  lastWords: LastWords,
): ContainerStatus {
  const { role, container } = place;
  const instance = newestInstance(situation.observed, container.name);
  if (!instance) return missing(situation, place, initialized);
  const previous = previousInstance(situation.observed, container.name, instance);
  const base = {
    name: container.name,
    restartCount: instance.restartCount,
    image: instance.image || (container.image ?? ''),
    imageID: instance.imageRef,
    containerID: `containerd://${instance.id}`,
    ...(container.resources?.requests ? { allocatedResources: container.resources.requests } : {}),
    ...(container.resources ? { resources: container.resources } : {}),
  };
  const lastState = previous ? { lastState: { terminated: terminated(previous, lastWords) } } : {};
  switch (instance.state) {
    case 'running': {
      const health = situation.health(instance);
      const started = health?.started ?? false;
      const ready = role === 'ephemeral' || role === 'init' ? false : started && (health?.ready ?? false);
      const state = { running: { startedAt: formatTime(instance.startedAtMs) } };
      return { ...base, state, ...lastState, ready, started: role === 'init' ? false : started };
    }
    case 'exited': {
      const end = { terminated: terminated(instance, lastWords) };
      const waiting = restarts(situation, role, instance) ? crashWaiting(situation, instance) : undefined;
      const ready = role === 'init' && instance.exitCode === 0;
      return waiting
        ? { ...base, state: waiting, lastState: end, ready: false, started: false }
        : { ...base, state: end, ...lastState, ready, started: false };
    }
    case 'created':
    case 'unknown': {
      const failed = situation.failedStarts.get(container.name);
      const waiting = failed ?? { reason: 'ContainerCreating', message: '' };
      const state = { waiting: { reason: waiting.reason, ...(waiting.message ? { message: waiting.message } : {}) } };
      return { ...base, state, ...lastState, ready: false, started: false };
    }
  }
}

export interface ContainerStatuses {
  readonly init: readonly ContainerStatus[];
  readonly main: readonly ContainerStatus[];
  readonly ephemeral: readonly ContainerStatus[];
}

/** In the order of the spec. */
export function containerStatuses(situation: PodSituation, lastWords: LastWords): ContainerStatuses {
  const places = containersOf(situation.pod);
  const of = (roles: readonly ContainerRole[], initialized: boolean): ContainerStatus[] =>
    places
      .filter(({ role }) => roles.includes(role))
      .map((place) => describe(situation, place, initialized, lastWords));
  const init = of(['init', 'sidecar'], true);
  return { init, main: of(['main'], isInitialized(situation, init)), ephemeral: of(['ephemeral'], true) };
}

/** Every init container ended well and every sidecar started, or a main container exists already. */
export function isInitialized(situation: PodSituation, init: readonly ContainerStatus[]): boolean {
  const places = containersOf(situation.pod);
  const begun = places.some(
    ({ role, container }) => role === 'main' && newestInstance(situation.observed, container.name) !== undefined,
  );
  return begun || init.every((status) => initDone(places, status));
}

function initDone(places: readonly ContainerPlace[], status: ContainerStatus): boolean {
  const role = places.find(({ container }) => container.name === status.name)?.role;
  if (role === 'sidecar') return status.started === true;
  return status.state?.terminated?.exitCode === 0;
}

/** The init containers that hold the pod up. */
export function incompleteInits(situation: PodSituation, init: readonly ContainerStatus[]): readonly string[] {
  const places = containersOf(situation.pod);
  return init.filter((status) => !initDone(places, status)).map((status) => status.name);
}
