/** What a Deployment wants done now, given its ReplicaSets as the cache shows them: one step of a rollout, and the status. */
import type { Deployment, DeploymentStatus, Pod, ReplicaSet } from '@periplus/api/kinds';
import { isDeleting, nameOf } from '../shared/identity.js';
import { isTerminated } from '../shared/pod-state.js';
import { type DeploymentWrite, type Draft, newDraft, resize, writesOf } from './draft.js';
import { oldReplicaSets, planNewReplicaSet, syncNewReplicaSet } from './new-replica-set.js';
import {
  isRolling,
  isScaling,
  maxUnavailable,
  newReplicaSetSize,
  proportionalSizes,
  sizeOf,
  total,
  wanted,
} from './replica-math.js';
import { revisionNumber } from './revision.js';
import {
  conditionOf,
  deadlineMs,
  isComplete,
  newCondition,
  nextDeadlineMs,
  plainStatus,
  rolloutStatus,
  withCondition,
} from './status.js';
import { byAge, findNewReplicaSet } from './template.js';

export interface DeploymentState {
  readonly deployment: Deployment;
  /** All it controls and selects. */
  readonly replicaSets: readonly ReplicaSet[];
  podsOf(replicaSet: ReplicaSet): readonly Pod[];
}

export interface DeploymentPlan {
  readonly writes: readonly DeploymentWrite[];
  /** To be written after the writes, if it differs. */
  readonly status: DeploymentStatus;
  readonly requeueAfterMs?: number;
}

const available = ({ status }: ReplicaSet): number => status?.availableReplicas ?? 0;
const isActive = (replicaSet: ReplicaSet): boolean => sizeOf(replicaSet) > 0;

export function planDeployment(state: DeploymentState, nowMs: number): DeploymentPlan {
  const { deployment } = state;
  const draft = newDraft(deployment, state.replicaSets, nowMs);
  if (isDeleting(deployment)) return finish(draft, 'plain');
  notePause(draft);
  if (deployment.spec.paused || isScaling(deployment, draft.replicaSets)) {
    syncNewReplicaSet(draft);
    scale(draft);
    if (deployment.spec.paused) cleanUp(draft);
    return finish(draft, 'plain');
  }
  if (isRolling(deployment)) rollForward(draft);
  else recreate(draft, state);
  return finish(draft, 'rollout');
}

function finish(draft: Draft, judge: 'plain' | 'rollout'): DeploymentPlan {
  const { deployment, conditions, nowMs } = draft;
  const newest = findNewReplicaSet(deployment, draft.replicaSets);
  const status = (judge === 'rollout' ? rolloutStatus : plainStatus)(
    deployment,
    draft.replicaSets,
    newest,
    conditions,
    nowMs,
  );
  const requeueAfterMs = judge === 'rollout' ? nextDeadlineMs(deployment, status, nowMs) : undefined;
  return { writes: writesOf(draft), status, ...(requeueAfterMs === undefined ? {} : { requeueAfterMs }) };
}

/** A paused rollout's clock stands still, and starts anew when it goes on. */
function notePause(draft: Draft): void {
  if (deadlineMs(draft.deployment) === undefined) return;
  const progressing = conditionOf({ conditions: draft.conditions }, 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') return;
  const noted = progressing?.reason === 'DeploymentPaused';
  const paused = draft.deployment.spec.paused === true;
  if (paused === noted) return;
  const condition = paused
    ? newCondition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused', draft.nowMs)
    : newCondition('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed', draft.nowMs);
  draft.conditions = withCondition(draft.conditions, condition);
}

/** The one ReplicaSet that takes all of a change of size: the only live one, or the newest when none lives. */
function soleReplicaSet(draft: Draft): ReplicaSet | undefined {
  const active = draft.replicaSets.filter(isActive);
  if (active.length > 1) return undefined;
  return (
    active[0] ?? findNewReplicaSet(draft.deployment, draft.replicaSets) ?? [...draft.replicaSets].sort(byAge).at(-1)
  );
}

function scale(draft: Draft): void {
  const { deployment } = draft;
  const sole = soleReplicaSet(draft);
  if (sole !== undefined) {
    resize(draft, nameOf(sole), wanted(deployment));
    return;
  }
  const newest = findNewReplicaSet(deployment, draft.replicaSets);
  if (newest !== undefined && isSaturated(deployment, newest)) {
    for (const old of oldReplicaSets(deployment, draft.replicaSets)) if (isActive(old)) resize(draft, nameOf(old), 0);
    return;
  }
  if (!isRolling(deployment)) return;
  const sizes = proportionalSizes(deployment, draft.replicaSets.filter(isActive));
  for (const [name, size] of sizes) resize(draft, name, size);
}

function isSaturated(deployment: Deployment, replicaSet: ReplicaSet): boolean {
  const size = wanted(deployment);
  return (
    sizeOf(replicaSet) === size &&
    available(replicaSet) === size &&
    replicaSet.metadata?.annotations?.['deployment.kubernetes.io/desired-replicas'] === String(size)
  );
}

function rollForward(draft: Draft): void {
  const { deployment } = draft;
  const newest = syncNewReplicaSet(draft);
  if (newest === undefined) {
    planNewReplicaSet(draft);
    return;
  }
  const size = Math.min(wanted(deployment), newReplicaSetSize(deployment, draft.replicaSets, sizeOf(newest)));
  if (resize(draft, nameOf(newest), size)) return;
  if (shrinkOld(draft, newest)) return;
  cleanUpWhenComplete(draft);
}

/** As many old replicas may go as leave enough available; first those that never got well. True when any goes. */
function shrinkOld(draft: Draft, newest: ReplicaSet): boolean {
  const { deployment } = draft;
  const old = (): ReplicaSet[] => oldReplicaSets(deployment, draft.replicaSets).filter(isActive).sort(byAge);
  if (old().length === 0) return false;
  const minAvailable = wanted(deployment) - maxUnavailable(deployment);
  const newUnavailable = Math.max(0, sizeOf(newest) - available(newest));
  const room = total(draft.replicaSets, sizeOf) - minAvailable - newUnavailable;
  if (room <= 0) return false;
  let gone = 0;
  for (const replicaSet of old()) {
    const unhealthy = Math.max(0, sizeOf(replicaSet) - available(replicaSet));
    const leaving = Math.min(room - gone, unhealthy);
    if (leaving <= 0) continue;
    resize(draft, nameOf(replicaSet), sizeOf(replicaSet) - leaving);
    gone += leaving;
  }
  let spare = total(draft.replicaSets, available) - minAvailable;
  for (const replicaSet of old()) {
    const leaving = Math.min(spare, sizeOf(replicaSet));
    if (leaving <= 0) continue;
    resize(draft, nameOf(replicaSet), sizeOf(replicaSet) - leaving);
    spare -= leaving;
    gone += leaving;
  }
  return gone > 0;
}

/** Nothing of the new runs before all of the old has ended. */
function recreate(draft: Draft, state: DeploymentState): void {
  const { deployment } = draft;
  const newest = syncNewReplicaSet(draft);
  const old = oldReplicaSets(deployment, draft.replicaSets);
  const active = old.filter(isActive);
  for (const replicaSet of active) resize(draft, nameOf(replicaSet), 0);
  if (active.length > 0 || old.some((replicaSet) => stillRuns(replicaSet, state))) return;
  if (newest === undefined) {
    planNewReplicaSet(draft);
    return;
  }
  resize(draft, nameOf(newest), wanted(deployment));
  cleanUpWhenComplete(draft);
}

const stillRuns = (replicaSet: ReplicaSet, state: DeploymentState): boolean =>
  (replicaSet.status?.replicas ?? 0) > 0 || state.podsOf(replicaSet).some((pod) => !isTerminated(pod));

function cleanUpWhenComplete(draft: Draft): void {
  const { deployment } = draft;
  if (isComplete(deployment, deployment.status ?? {})) cleanUp(draft);
}

/** Old ReplicaSets beyond the history's limit go, lowest revision first, once nothing of them is left. */
function cleanUp(draft: Draft): void {
  const limit = draft.deployment.spec.revisionHistoryLimit;
  if (limit === undefined || limit === 2_147_483_647) return;
  const old = oldReplicaSets(draft.deployment, draft.replicaSets).filter((replicaSet) => !isDeleting(replicaSet));
  const excess = old.length - limit;
  if (excess <= 0) return;
  const oldest = old.sort((a, b) => revisionNumber(a) - revisionNumber(b) || byAge(a, b)).slice(0, excess);
  for (const replicaSet of oldest) {
    const settled = (replicaSet.status?.observedGeneration ?? 0) >= (replicaSet.metadata?.generation ?? 0);
    if ((replicaSet.status?.replicas ?? 0) === 0 && sizeOf(replicaSet) === 0 && settled)
      draft.deletions.push(replicaSet);
  }
}
