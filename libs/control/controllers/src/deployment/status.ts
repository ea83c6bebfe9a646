/** The status of a Deployment: counts over its ReplicaSets, and the conditions Available, Progressing and ReplicaFailure. */
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '@periplus/api/kinds';
import { formatTime } from '@periplus/base/clock';
import { nameOf, timeOf } from '../shared/identity.js';
import { maxUnavailable, sizeOf, total, wanted } from './replica-math.js';

/** Upstream writes this for "no deadline". */
const NO_DEADLINE = 2_147_483_647;

export function deadlineMs(deployment: Deployment): number | undefined {
  const seconds = deployment.spec.progressDeadlineSeconds;
  return seconds === undefined || seconds === NO_DEADLINE ? undefined : seconds * 1_000;
}

export function conditionOf(status: DeploymentStatus | undefined, type: string): DeploymentCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

export function newCondition(
  type: string,
  status: string,
  reason: string,
  message: string,
  nowMs: number,
): DeploymentCondition {
  const now = formatTime(nowMs);
  return { type, status, lastUpdateTime: now, lastTransitionTime: now, reason, message };
}

/** Nothing changes when status and reason are the same; the transition's time only with the status. */
export function withCondition(
  conditions: readonly DeploymentCondition[],
  condition: DeploymentCondition,
): DeploymentCondition[] {
  const before = conditions.find(({ type }) => type === condition.type);
  if (before?.status === condition.status && before?.reason === condition.reason) return [...conditions];
  const kept = before?.status === condition.status ? before?.lastTransitionTime : undefined;
  return [
    ...conditions.filter(({ type }) => type !== condition.type),
    kept === undefined ? condition : { ...condition, lastTransitionTime: kept },
  ];
}

const withoutCondition = (conditions: readonly DeploymentCondition[], type: string): DeploymentCondition[] =>
  conditions.filter((condition) => condition.type !== type);

/** Counts, and Available. */
function countedStatus(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newest: ReplicaSet | undefined,
  conditions: readonly DeploymentCondition[],
  nowMs: number,
): DeploymentStatus {
  const available = total(all, ({ status }) => status?.availableReplicas ?? 0);
  const enough = available >= wanted(deployment) - maxUnavailable(deployment);
  const condition = enough
    ? newCondition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.', nowMs)
    : newCondition(
        'Available',
        'False',
        'MinimumReplicasUnavailable',
        'Deployment does not have minimum availability.',
        nowMs,
      );
  const unavailable = Math.max(0, total(all, sizeOf) - available);
  const { collisionCount } = deployment.status ?? {};
  return {
    observedGeneration: deployment.metadata?.generation ?? 0,
    replicas: total(all, ({ status }) => status?.replicas ?? 0),
    updatedReplicas: newest?.status?.replicas ?? 0,
    readyReplicas: total(all, ({ status }) => status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: unavailable,
    terminatingReplicas: total(all, ({ status }) => status?.terminatingReplicas ?? 0),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: withCondition(conditions, condition),
  };
}

export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  return (
    (status.updatedReplicas ?? 0) === wanted(deployment) &&
    (status.replicas ?? 0) === wanted(deployment) &&
    (status.availableReplicas ?? 0) === wanted(deployment) &&
    (status.observedGeneration ?? 0) >= (deployment.metadata?.generation ?? 0)
  );
}

/** More of the new, less of the old, more ready or more available than the status last said. */
function hasProgressed(before: DeploymentStatus | undefined, after: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus | undefined): number =>
    (status?.replicas ?? 0) - (status?.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before?.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before?.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before?.availableReplicas ?? 0)
  );
}

function hasTimedOut(deployment: Deployment, progressing: DeploymentCondition | undefined, nowMs: number): boolean {
  const limit = deadlineMs(deployment);
  if (progressing === undefined || limit === undefined || progressing.reason === 'NewReplicaSetAvailable') return false;
  if (progressing.reason === 'ProgressDeadlineExceeded') return true;
  return timeOf(progressing.lastUpdateTime) + limit < nowMs;
}

/** Progressing, as the rollout stands. */
function progressConditions(
  deployment: Deployment,
  status: DeploymentStatus,
  newest: ReplicaSet | undefined,
  nowMs: number,
): DeploymentCondition[] {
  const conditions = status.conditions ?? [];
  const current = conditionOf(status, 'Progressing');
  const done = current?.reason === 'NewReplicaSetAvailable' && status.replicas === status.updatedReplicas;
  if (done) return conditions;
  const subject = newest === undefined ? `Deployment "${nameOf(deployment)}"` : `ReplicaSet "${nameOf(newest)}"`;
  const progressing = (value: string, reason: string, message: string): DeploymentCondition =>
    newCondition('Progressing', value, reason, message, nowMs);
  if (isComplete(deployment, status)) {
    const message = `${subject} has successfully progressed.`;
    return withCondition(conditions, progressing('True', 'NewReplicaSetAvailable', message));
  }
  if (hasProgressed(deployment.status, status)) {
    const condition = progressing('True', 'ReplicaSetUpdated', `${subject} is progressing.`);
    const since = current?.status === 'True' ? current.lastTransitionTime : undefined;
    const others = withoutCondition(conditions, 'Progressing');
    return [...others, since === undefined ? condition : { ...condition, lastTransitionTime: since }];
  }
  if (hasTimedOut(deployment, current, nowMs)) {
    const message = `${subject} has timed out progressing.`;
    return withCondition(conditions, progressing('False', 'ProgressDeadlineExceeded', message));
  }
  return conditions;
}

/** The first failure of a ReplicaSet, the newest one's before all. */
function failureConditions(
  conditions: readonly DeploymentCondition[],
  all: readonly ReplicaSet[],
  newest: ReplicaSet | undefined,
): DeploymentCondition[] {
  const ordered = newest === undefined ? all : [newest, ...all.filter((replicaSet) => replicaSet !== newest)];
  for (const { status } of ordered) {
    const failure = status?.conditions?.find((condition) => condition.type === 'ReplicaFailure');
    if (failure === undefined) continue;
    return withCondition(conditions, {
      type: 'ReplicaFailure',
      status: failure.status ?? 'True',
      lastUpdateTime: failure.lastTransitionTime ?? '',
      lastTransitionTime: failure.lastTransitionTime ?? '',
      reason: failure.reason ?? '',
      message: failure.message ?? '',
    });
  }
  return withoutCondition(conditions, 'ReplicaFailure');
}

/** @param conditions the conditions so far, with what this pass has added. */
export function rolloutStatus(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newest: ReplicaSet | undefined,
  conditions: readonly DeploymentCondition[],
  nowMs: number,
): DeploymentStatus {
  const status = countedStatus(deployment, all, newest, conditions, nowMs);
  const progress =
    deadlineMs(deployment) === undefined
      ? withoutCondition(status.conditions ?? [], 'Progressing')
      : progressConditions(deployment, status, newest, nowMs);
  return { ...status, conditions: failureConditions(progress, all, newest) };
}

/** Of a deployment that is paused or being scaled: counts alone, no progress is judged. */
export function plainStatus(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newest: ReplicaSet | undefined,
  conditions: readonly DeploymentCondition[],
  nowMs: number,
): DeploymentStatus {
  return countedStatus(deployment, all, newest, conditions, nowMs);
}

const COUNTS = [
  'observedGeneration',
  'replicas',
  'updatedReplicas',
  'readyReplicas',
  'availableReplicas',
  'unavailableReplicas',
  'terminatingReplicas',
  'collisionCount',
] as const;

const shown = (status: DeploymentStatus | undefined): string =>
  JSON.stringify(
    (status?.conditions ?? [])
      .map(({ type, status: value, reason, message, lastUpdateTime, lastTransitionTime }) => [
        type,
        value,
        reason,
        message,
        lastUpdateTime,
        lastTransitionTime,
      ])
      .sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1)),
  );

export function sameStatus(a: DeploymentStatus | undefined, b: DeploymentStatus): boolean {
  return COUNTS.every((field) => (a?.[field] ?? 0) === (b[field] ?? 0)) && shown(a) === shown(b);
}

/** When a rollout without progress has to be looked at again, for its deadline. */
export function nextDeadlineMs(deployment: Deployment, status: DeploymentStatus, nowMs: number): number | undefined {
  const limit = deadlineMs(deployment);
  const current = conditionOf(status, 'Progressing');
  if (limit === undefined || current === undefined || isComplete(deployment, status)) return undefined;
  if (current.reason === 'ProgressDeadlineExceeded' || current.reason === 'NewReplicaSetAvailable') return undefined;
  return Math.max(0, timeOf(current.lastUpdateTime) + limit - nowMs) + 1_000;
}
