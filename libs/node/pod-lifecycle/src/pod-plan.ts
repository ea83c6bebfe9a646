/**
 * Decides what to do next for one pod, from what it should be and what there is of it.
 *
 * The plan is level-triggered: carried out, or half carried out, or not at all, the next plan from what is then observed goes on.
 * Example: a pod with init container `a` and container `b`, nothing observed → createSandbox. Sandbox ready → startContainer a.
 * `a` running → nothing. `a` exited 0 → startContainer b. `b` exited 1 under Always → startContainer b, once its delay is over.
 */
import {
  type ContainerPlace,
  type ContainerRole,
  containersOf,
  gracePeriodOf,
  restartPolicyOf,
  specOf,
} from './pod-facts.js';
import { isAlive, newestInstance, readySandbox } from './observed-pod.js';
import { containerHash, type PodSituation, reportedStatus } from './pod-situation.js';
import type { ContainerDetails, SandboxStatus } from './runtime.js';

export type PodAction =
  /** `stopFirst`: earlier sandboxes whose network and processes are to be given back before. */
  | { readonly kind: 'createSandbox'; readonly attempt: number; readonly stopFirst: readonly string[] }
  | {
      readonly kind: 'startContainer';
      readonly name: string;
      readonly role: ContainerRole;
      readonly restartCount: number;
      readonly sandboxId: string;
      /** When the instance before it ended. */
      readonly afterExitAtMs?: number;
    }
  | {
      readonly kind: 'killContainer';
      readonly containerId: string;
      readonly name: string;
      readonly graceSeconds: number;
      /** For the Killing event. */
      readonly message: string;
    }
  | { readonly kind: 'stopSandbox'; readonly sandboxId: string }
  | { readonly kind: 'removeContainer'; readonly containerId: string }
  | { readonly kind: 'removeSandbox'; readonly sandboxId: string };

export interface PodPlan {
  /** Kills, stops and removals may go on at once; of those that create or start, one at a time. */
  readonly actions: readonly PodAction[];
  /** When to plan again though nothing changes. */
  readonly wakeAtMs?: number;
  /** Nothing of the pod runs any more and nothing will. */
  readonly ended: boolean;
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function killing(instance: ContainerDetails, graceSeconds: number, message: string): PodAction {
  return { kind: 'killContainer', containerId: instance.id, name: instance.name, graceSeconds, message };
}

/** Containers first, sidecars after them in reverse order, the sandbox last. */
function planEnding(situation: PodSituation): PodPlan {
  const { pod, observed, nowMs, ending } = situation;
  if (ending && ending.drainUntilMs > nowMs && observed.containers.some(isAlive))
    return { actions: [], wakeAtMs: ending.drainUntilMs, ended: false };
  const elapsed = Math.floor((nowMs - (ending?.sinceMs ?? nowMs)) / 1000);
  const graceSeconds = Math.max(0, (ending?.graceSeconds ?? 0) - elapsed);
  const alive = observed.containers.filter(isAlive);
  const sidecars = containersOf(pod)
    .filter(({ role }) => role === 'sidecar')
    .map(({ container }) => container.name);
  const first = alive.filter((instance) => !sidecars.includes(instance.name));
  const last = sidecars.toReversed().flatMap((name) => alive.filter((instance) => instance.name === name));
  const due = first.length > 0 ? first : last.slice(0, 1);
  const kills = due.map((instance) => killing(instance, graceSeconds, `Stopping container ${instance.name}`));
  if (kills.length > 0) return { actions: kills, ended: false };
  const stops = observed.sandboxes
    .filter((sandbox) => sandbox.state === 'ready')
    .map((sandbox): PodAction => ({ kind: 'stopSandbox', sandboxId: sandbox.id }));
  return { actions: stops, ended: stops.length === 0 };
}

/** Removes everything the runtime has of a pod that has ended. */
export function planRemoval(situation: Pick<PodSituation, 'observed'>): readonly PodAction[] {
  const { containers, sandboxes } = situation.observed;
  if (containers.length > 0)
    return containers.map(({ id }): PodAction => ({ kind: 'removeContainer', containerId: id }));
  return sandboxes.map(({ id }): PodAction => ({ kind: 'removeSandbox', sandboxId: id }));
}

/** Keeps each container's newest instance and the newest one that ended; drops empty old sandboxes. */
function planTidying(situation: PodSituation): PodAction[] {
  const { observed } = situation;
  const actions: PodAction[] = [];
  for (const name of new Set(observed.containers.map((container) => container.name))) {
    const instances = observed.containers.filter((container) => container.name === name);
    const [current] = instances;
    const ended = instances.find((instance) => instance.id !== current?.id && instance.state === 'exited');
    for (const instance of instances) {
      if (instance.id === current?.id || instance.id === ended?.id) continue;
      if (isAlive(instance)) actions.push(killing(instance, 0, `Stopping container ${name}`));
      else actions.push({ kind: 'removeContainer', containerId: instance.id });
    }
  }
  const remaining = new Set(observed.containers.map((container) => container.sandboxId));
  for (const sandbox of observed.sandboxes.slice(1)) {
    if (sandbox.state === 'ready') actions.push({ kind: 'stopSandbox', sandboxId: sandbox.id });
    else if (!remaining.has(sandbox.id)) actions.push({ kind: 'removeSandbox', sandboxId: sandbox.id });
  }
  return actions;
}

function nextRestartCount(situation: PodSituation, name: string): number {
  const newest = newestInstance(situation.observed, name);
  if (newest) return newest.restartCount + 1;
  const reported = reportedStatus(situation.pod, name);
  const ran = reported?.state?.running ?? reported?.state?.terminated ?? reported?.lastState?.terminated;
  return reported && ran ? reported.restartCount + 1 : 0;
}

type ContainerVerdict =
  | { readonly state: 'running' | 'done' | 'failed' }
  | { readonly state: 'act'; readonly action: PodAction }
  | { readonly state: 'wait'; readonly untilMs?: number };

function startVerdict(
  situation: PodSituation,
  place: ContainerPlace,
  sandbox: SandboxStatus,
  ended: ContainerDetails | undefined,
): ContainerVerdict {
  const { name } = place.container;
  const failed = situation.failedStarts.get(name);
  const delayed = ended ? ended.finishedAtMs + situation.restartDelayMs(ended) : 0;
  const atMs = Math.max(failed?.retryAtMs ?? 0, delayed);
  if (atMs > situation.nowMs) return { state: 'wait', untilMs: atMs };
  return {
    state: 'act',
    action: {
      kind: 'startContainer',
      name,
      role: place.role,
      restartCount: nextRestartCount(situation, name),
      sandboxId: sandbox.id,
      ...(ended ? { afterExitAtMs: ended.finishedAtMs } : {}),
    },
  };
}

function mayRestart(situation: PodSituation, role: ContainerRole, exitCode: number): boolean {
  if (role === 'sidecar') return true;
  if (role === 'ephemeral') return false;
  const policy = restartPolicyOf(situation.pod);
  if (policy === 'Never') return false;
  return exitCode !== 0 || (policy === 'Always' && role === 'main');
}

function judge(situation: PodSituation, place: ContainerPlace, sandbox: SandboxStatus): ContainerVerdict {
  const { container, role } = place;
  const instance = newestInstance(situation.observed, container.name);
  if (!instance) return startVerdict(situation, place, sandbox, undefined);
  const elsewhere = instance.sandboxId !== sandbox.id;
  switch (instance.state) {
    case 'created':
      return { state: 'act', action: { kind: 'removeContainer', containerId: instance.id } };
    case 'unknown':
      return { state: 'act', action: killing(instance, 0, `Container ${container.name} is in unknown state`) };
    case 'running': {
      if (elsewhere) {
        const grace = gracePeriodOf(situation.pod);
        return { state: 'act', action: killing(instance, grace, `Stopping container ${container.name}`) };
      }
      const kill = situation.health(instance)?.kill;
      if (kill) {
        const grace = kill.graceSeconds ?? situation.pod.spec?.terminationGracePeriodSeconds ?? 30;
        return { state: 'act', action: killing(instance, grace, kill.message) };
      }
      if (role !== 'ephemeral' && instance.specHash !== containerHash(container)) {
        const grace = situation.pod.spec?.terminationGracePeriodSeconds ?? 30;
        const message = `Container ${container.name} definition changed, will be restarted`;
        return { state: 'act', action: killing(instance, grace, message) };
      }
      return { state: 'running' };
    }
    case 'exited':
      if (role === 'init' && instance.exitCode === 0) {
        return elsewhere ? startVerdict(situation, place, sandbox, undefined) : { state: 'done' };
      }
      if (mayRestart(situation, role, instance.exitCode)) return startVerdict(situation, place, sandbox, instance);
      return { state: instance.exitCode === 0 ? 'done' : 'failed' };
  }
}

function planContainers(situation: PodSituation, sandbox: SandboxStatus): { actions: PodAction[]; wakeAtMs?: number } {
  const { pod, observed } = situation;
  const places = containersOf(pod);
  const mains = places.filter(({ role }) => role === 'main');
  const begun = mains.some(({ container }) =>
    observed.containers.some(
      (instance) =>
        instance.name === container.name && instance.sandboxId === sandbox.id && instance.state !== 'created',
    ),
  );
  const actions: PodAction[] = [];
  const wakes: (number | undefined)[] = [];
  const note = (verdict: ContainerVerdict): void => {
    if (verdict.state === 'act') actions.push(verdict.action);
    if (verdict.state === 'wait') wakes.push(verdict.untilMs);
  };
  let initialized = true;
  for (const place of places) {
    if (place.role === 'ephemeral') {
      note(judge(situation, place, sandbox));
      continue;
    }
    if (!initialized) continue;
    if (place.role === 'init') {
      if (begun) continue;
      const verdict = judge(situation, place, sandbox);
      note(verdict);
      if (verdict.state !== 'done') initialized = false;
      continue;
    }
    const verdict = judge(situation, place, sandbox);
    note(verdict);
    if (place.role === 'sidecar' && !begun) {
      const instance = newestInstance(observed, place.container.name);
      const started =
        verdict.state === 'running' && instance !== undefined && situation.health(instance)?.started === true;
      if (!started) initialized = false;
    }
  }
  return { actions, wakeAtMs: earliest(wakes) };
}

function planSandbox(situation: PodSituation): PodPlan {
  const { pod, observed, nowMs, failedSandbox } = situation;
  const newest = observed.sandboxes[0];
  const ran = observed.containers.length > 0;
  const everything = specOf(pod).containers.map((container) => newestInstance(observed, container.name));
  const settled = everything.every(
    (instance) => instance?.state === 'exited' && !mayRestart(situation, 'main', instance.exitCode),
  );
  if (settled || (newest && ran && restartPolicyOf(pod) === 'Never')) {
    const kills = observed.containers
      .filter(isAlive)
      .map((instance) => killing(instance, gracePeriodOf(pod), `Stopping container ${instance.name}`));
    return { actions: kills, ended: kills.length === 0 };
  }
  const kills = observed.containers
    .filter(isAlive)
    .map((instance) => killing(instance, gracePeriodOf(pod), 'Pod sandbox changed, it will be killed and re-created.'));
  if (kills.length > 0) return { actions: kills, ended: false };
  if (failedSandbox && failedSandbox.retryAtMs > nowMs)
    return { actions: [], wakeAtMs: failedSandbox.retryAtMs, ended: false };
  const attempt = newest ? newest.attempt + 1 : 0;
  const stopFirst = newest ? [newest.id] : [];
  return { actions: [{ kind: 'createSandbox', attempt, stopFirst }], ended: false };
}

export function planPod(situation: PodSituation): PodPlan {
  if (situation.ending) return planEnding(situation);
  const sandbox = readySandbox(situation.observed);
  const networked = sandbox && (sandbox.ips.length > 0 || situation.pod.spec?.hostNetwork === true);
  if (!sandbox || !networked) return planSandbox(situation);
  const { actions, wakeAtMs } = planContainers(situation, sandbox);
  return {
    actions: [...actions, ...planTidying(situation)],
    ...(wakeAtMs === undefined ? {} : { wakeAtMs }),
    ended: false,
  };
}
