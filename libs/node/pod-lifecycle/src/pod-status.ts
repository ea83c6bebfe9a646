/** The status of a pod as the API shall show it: phase, conditions, containers, addresses. */
import type { ContainerStatus, PodCondition, PodStatus } from '@periplus/api/kinds';
import { formatTime } from '@periplus/base/clock';
import {
  containerStatuses,
  type ContainerStatuses,
  incompleteInits,
  isInitialized,
  type LastWords,
} from './container-statuses.js';
import { readySandbox } from './observed-pod.js';
import { containersOf, isTerminalPhase, restartPolicyOf } from './pod-facts.js';
import type { PodSituation } from './pod-situation.js';
import { qosClassOf } from './resources.js';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

export interface NodeFacts {
  readonly nodeName: string;
  readonly hostIps: readonly string[];
}

const endings: Readonly<Record<string, { readonly reason: string; readonly message: string }>> = {
  deadline: { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' },
};

/** Whether the last thing known of a container is an end. */
function stopped(status: ContainerStatus): boolean {
  return (
    status.state?.terminated !== undefined ||
    (status.state?.waiting !== undefined && status.lastState?.terminated !== undefined)
  );
}

function endedWell(status: ContainerStatus): boolean {
  return status.state?.terminated?.exitCode === 0;
}

/** `over`: nothing runs any more nor will, so the pod has either succeeded or failed. */
export function podPhase(situation: PodSituation, statuses: ContainerStatuses, over: boolean): PodPhase {
  const settled = situation.settledPhase ?? situation.pod.status?.phase;
  if (isTerminalPhase(settled)) return settled;
  const why = situation.ending?.why;
  if (why === 'deadline' || why === 'evicted' || why === 'rejected') return 'Failed';
  const policy = restartPolicyOf(situation.pod);
  const { init, main } = statuses;
  if (!over) {
    const roles = new Map(containersOf(situation.pod).map(({ role, container }) => [container.name, role]));
    const failedInit = init.some(
      (status) => roles.get(status.name) === 'init' && status.state?.terminated !== undefined && !endedWell(status),
    );
    if (failedInit && policy === 'Never') return 'Failed';
    if (!isInitialized(situation, init)) return 'Pending';
    if (main.some((status) => status.state?.waiting !== undefined && !stopped(status))) return 'Pending';
    if (main.some((status) => status.state?.running !== undefined)) return 'Running';
    if (policy === 'Always') return 'Running';
  }
  if (main.length > 0 && main.every(endedWell)) return 'Succeeded';
  if (over || policy === 'Never') return 'Failed';
  return 'Running';
}

type Verdict = { readonly status: boolean; readonly reason?: string; readonly message?: string };

function completed(phase: PodPhase): Verdict | undefined {
  if (phase === 'Succeeded') return { status: false, reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: false, reason: 'PodFailed' };
  return undefined;
}

function initializedVerdict(situation: PodSituation, statuses: ContainerStatuses, phase: PodPhase): Verdict {
  if (phase === 'Succeeded') return { status: true, reason: 'PodCompleted' };
  if (isInitialized(situation, statuses.init)) return { status: true };
  const names = incompleteInits(situation, statuses.init);
  return {
    status: false,
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${names.join(' ')}]`,
  };
}

function containersReadyVerdict(situation: PodSituation, statuses: ContainerStatuses, phase: PodPhase): Verdict {
  const over = completed(phase);
  if (over) return over;
  const sidecars = new Set(
    containersOf(situation.pod)
      .filter(({ role }) => role === 'sidecar')
      .map(({ container }) => container.name),
  );
  const counted = [...statuses.init.filter((status) => sidecars.has(status.name)), ...statuses.main];
  const unready = counted.filter((status) => !status.ready).map((status) => status.name);
  if (unready.length === 0) return { status: true };
  return {
    status: false,
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.join(' ')}]`,
  };
}

function readyVerdict(situation: PodSituation, containersReady: Verdict): Verdict {
  if (!containersReady.status) return containersReady;
  const conditions = situation.pod.status?.conditions ?? [];
  const messages = (situation.pod.spec?.readinessGates ?? []).flatMap((gate) => {
    const condition = conditions.find((candidate) => candidate.type === gate.conditionType);
    if (!condition) return [`corresponding condition of pod readiness gate "${gate.conditionType}" does not exist.`];
    if (condition.status !== 'True')
      return [`the status of pod readiness gate "${gate.conditionType}" is not "True", but ${condition.status}`];
    return [];
  });
  return messages.length === 0
    ? { status: true }
    : { status: false, reason: 'ReadinessGatesNotReady', message: messages.join(', ') };
}

function toCondition(situation: PodSituation, type: string, verdict: Verdict): PodCondition {
  const status = verdict.status ? 'True' : 'False';
  const before = situation.lastConditions.find((condition) => condition.type === type);
  const generation = situation.pod.metadata?.generation;
  return {
    type,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    status,
    lastTransitionTime:
      before?.status === status && before.lastTransitionTime ? before.lastTransitionTime : formatTime(situation.nowMs),
    ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
    ...(verdict.message === undefined ? {} : { message: verdict.message }),
  };
}

/**
 * The whole status but for conditions of others. `over`: everything of the pod has ended for good. Keeps the transition
 * times of conditions that did not change.
 */
export function podStatus(
  situation: PodSituation,
  facts: NodeFacts,
  lastWords: LastWords,
  startTimeMs: number,
  over: boolean,
): PodStatus {
  const { pod, observed, ending } = situation;
  const statuses = containerStatuses(situation, lastWords);
  const phase = podPhase(situation, statuses, over);
  const sandbox = readySandbox(observed);
  const hostNetwork = pod.spec?.hostNetwork === true;
  const ips = hostNetwork ? facts.hostIps : (sandbox?.ips ?? pod.status?.podIPs?.map(({ ip }) => ip) ?? []);
  const networked = sandbox !== undefined && (hostNetwork || sandbox.ips.length > 0);
  const containersReady = containersReadyVerdict(situation, statuses, phase);
  const conditions = [
    toCondition(situation, 'PodReadyToStartContainers', { status: networked }),
    toCondition(situation, 'Initialized', initializedVerdict(situation, statuses, phase)),
    toCondition(situation, 'Ready', readyVerdict(situation, containersReady)),
    toCondition(situation, 'ContainersReady', containersReady),
    toCondition(situation, 'PodScheduled', { status: true }),
  ];
  const ended = ending ? endings[ending.why] : undefined;
  const reason = ended?.reason ?? pod.status?.reason;
  const message = ended?.message ?? pod.status?.message;
  const generation = pod.metadata?.generation;
  const known = ips.filter((ip): ip is string => ip !== undefined && ip !== '');
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase,
    conditions,
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
    ...(facts.hostIps[0] === undefined ? {} : { hostIP: facts.hostIps[0] }),
    hostIPs: facts.hostIps.map((ip) => ({ ip })),
    ...(known[0] === undefined ? {} : { podIP: known[0], podIPs: known.map((ip) => ({ ip })) }),
    startTime: formatTime(startTimeMs),
    ...(statuses.init.length === 0 ? {} : { initContainerStatuses: [...statuses.init] }),
    containerStatuses: [...statuses.main],
    ...(statuses.ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: [...statuses.ephemeral] }),
    qosClass: pod.status?.qosClass ?? qosClassOf(pod),
  };
}
