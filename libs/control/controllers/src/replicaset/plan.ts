/** What a ReplicaSet (or ReplicationController) wants done: pods to make or delete, and the status it should show. */
import type { Pod, PodTemplateSpec, ReplicaSetCondition, ReplicaSetStatus } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import { formatTime } from '@periplus/base/clock';
import { podsToDelete } from '../shared/deletion-rank.js';
import { labelsOf } from '../shared/identity.js';
import type { ManageFailure } from '../shared/pod-control.js';
import { isActive, isAvailable, isReady, isTerminating, readySinceMs } from '../shared/pod-state.js';

/** What ReplicaSets and ReplicationControllers have in common. */
export interface Replicated extends KubeObject {
  spec?: { replicas?: number; minReadySeconds?: number; template?: PodTemplateSpec };
  status?: ReplicaSetStatus;
}

/** In one pass; the rest follows when these are seen. */
const BURST_REPLICAS = 500;

export type ReplicaPlan =
  | { readonly kind: 'enough' }
  | { readonly kind: 'create'; readonly count: number }
  | { readonly kind: 'delete'; readonly pods: readonly Pod[] };

/** `pods`: all it controls. `related`: active pods of its siblings and its own. */
export function planReplicas(
  owner: Replicated,
  pods: readonly Pod[],
  related: readonly Pod[],
  nowMs: number,
): ReplicaPlan {
  const active = pods.filter(isActive);
  const missing = wantedReplicas(owner) - active.length;
  if (missing > 0) return { kind: 'create', count: Math.min(missing, BURST_REPLICAS) };
  if (missing < 0)
    return { kind: 'delete', pods: podsToDelete(active, related, Math.min(-missing, BURST_REPLICAS), nowMs) };
  return { kind: 'enough' };
}

const wantedReplicas = (owner: Replicated): number => owner.spec?.replicas ?? 1;

function replicaFailure(
  before: ReplicaSetStatus | undefined,
  failure: ManageFailure,
  nowMs: number,
): ReplicaSetCondition {
  const known = before?.conditions?.find((condition) => condition.type === 'ReplicaFailure');
  if (known?.status === 'True' && known.reason === failure.reason) return known;
  return {
    type: 'ReplicaFailure',
    status: 'True',
    lastTransitionTime: formatTime(nowMs),
    reason: failure.reason,
    message: failure.message,
  };
}

/** `managed`: whether this pass managed replicas; only then is an old failure known to be over. */
export function planStatus(
  owner: Replicated,
  pods: readonly Pod[],
  outcome: { readonly managed: boolean; readonly failure?: ManageFailure },
  nowMs: number,
): ReplicaSetStatus {
  const active = pods.filter(isActive);
  const templateLabels = Object.entries(owner.spec?.template?.metadata?.labels ?? {});
  const minReadySeconds = owner.spec?.minReadySeconds ?? 0;
  const count = (matches: (pod: Pod) => boolean): number => active.filter(matches).length;
  const others = (owner.status?.conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure');
  const known = (owner.status?.conditions ?? []).filter(({ type }) => type === 'ReplicaFailure');
  const failures = outcome.failure
    ? [replicaFailure(owner.status, outcome.failure, nowMs)]
    : outcome.managed
      ? []
      : known;
  const conditions = [...others, ...failures];
  return {
    replicas: active.length,
    fullyLabeledReplicas: count((pod) => templateLabels.every(([key, value]) => labelsOf(pod)[key] === value)),
    readyReplicas: count(isReady),
    availableReplicas: count((pod) => isAvailable(pod, minReadySeconds, nowMs)),
    terminatingReplicas: pods.filter(isTerminating).length,
    observedGeneration: Math.max(owner.metadata?.generation ?? 0, owner.status?.observedGeneration ?? 0),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
}

const COUNTS = [
  'replicas',
  'fullyLabeledReplicas',
  'readyReplicas',
  'availableReplicas',
  'terminatingReplicas',
  'observedGeneration',
] as const;

export function sameStatus(a: ReplicaSetStatus | undefined, b: ReplicaSetStatus): boolean {
  return (
    COUNTS.every((field) => (a?.[field] ?? 0) === (b[field] ?? 0)) &&
    JSON.stringify(a?.conditions ?? []) === JSON.stringify(b.conditions ?? [])
  );
}

/** When the next ready pod becomes available; undefined when none will by waiting. */
export function nextAvailabilityMs(owner: Replicated, pods: readonly Pod[], nowMs: number): number | undefined {
  const minReadyMs = (owner.spec?.minReadySeconds ?? 0) * 1_000;
  if (minReadyMs === 0) return undefined;
  const waits = pods
    .filter((pod) => isActive(pod) && isReady(pod))
    .map((pod) => readySinceMs(pod) + minReadyMs - nowMs)
    .filter((waitMs) => waitMs > 0);
  return waits.length === 0 ? undefined : Math.min(...waits);
}
