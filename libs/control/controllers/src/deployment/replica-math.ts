/** How many replicas each ReplicaSet of a rollout may have: surge, unavailability, proportional scaling. */
import type { Deployment, ReplicaSet } from '@periplus/api/kinds';
import { annotationsOf, nameOf } from '../shared/identity.js';
import { scaled } from '../shared/scaled.js';
import { byAge } from './template.js';

export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';

export const wanted = (deployment: Deployment): number => deployment.spec.replicas ?? 1;
export const sizeOf = (replicaSet: ReplicaSet): number => replicaSet.spec?.replicas ?? 0;
export const isRolling = (deployment: Deployment): boolean => deployment.spec.strategy?.type !== 'Recreate';
export const total = (replicaSets: readonly ReplicaSet[], count: (replicaSet: ReplicaSet) => number): number =>
  replicaSets.reduce((sum, replicaSet) => sum + count(replicaSet), 0);

/** Surge rounds up, unavailability down; one of them is at least 1, or nothing could ever move. */
function fences(deployment: Deployment): { surge: number; unavailable: number } {
  const { maxSurge, maxUnavailable } = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = scaled(maxSurge, wanted(deployment), Math.ceil);
  const unavailable = scaled(maxUnavailable, wanted(deployment), Math.floor);
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

export const maxSurge = (deployment: Deployment): number => (isRolling(deployment) ? fences(deployment).surge : 0);

export function maxUnavailable(deployment: Deployment): number {
  if (!isRolling(deployment) || wanted(deployment) === 0) return 0;
  return Math.min(fences(deployment).unavailable, wanted(deployment));
}

/** What the new ReplicaSet may grow to now, the others being as large as they are. */
export function newReplicaSetSize(deployment: Deployment, all: readonly ReplicaSet[], current: number): number {
  if (!isRolling(deployment)) return wanted(deployment);
  const room = wanted(deployment) + maxSurge(deployment) - total(all, sizeOf);
  if (room <= 0) return current;
  return current + Math.max(0, Math.min(room, wanted(deployment) - current));
}

function annotated(replicaSet: ReplicaSet, annotation: string): number | undefined {
  const text = annotationsOf(replicaSet)[annotation];
  return text !== undefined && /^[0-9]{1,10}$/.test(text) ? Number(text) : undefined;
}

/** Some live ReplicaSet was sized for another number of replicas: the deployment was scaled, not changed. */
export function isScaling(deployment: Deployment, replicaSets: readonly ReplicaSet[]): boolean {
  return replicaSets
    .filter((replicaSet) => sizeOf(replicaSet) > 0)
    .some((replicaSet) => (annotated(replicaSet, DESIRED_REPLICAS) ?? wanted(deployment)) !== wanted(deployment));
}

/** The share of a ReplicaSet in a change of the total, before rounding leftovers are given out. */
function fraction(replicaSet: ReplicaSet, deployment: Deployment): number {
  if (wanted(deployment) === 0) return -sizeOf(replicaSet);
  const before = annotated(replicaSet, MAX_REPLICAS) || (deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  const after = wanted(deployment) + maxSurge(deployment);
  return Math.round((sizeOf(replicaSet) * after) / before) - sizeOf(replicaSet);
}

/** Largest first; growing prefers the newer of equals, shrinking the older. */
function bySize(toAdd: number): (a: ReplicaSet, b: ReplicaSet) => number {
  return (a, b) => sizeOf(b) - sizeOf(a) || (toAdd > 0 ? byAge(b, a) : byAge(a, b));
}

/**
 * Sizes by name for a rollout that is scaled in mid-course: each live ReplicaSet gets its share of what is added or
 * taken, and the largest what is left over.
 */
export function proportionalSizes(deployment: Deployment, active: readonly ReplicaSet[]): Map<string, number> {
  const allowed = wanted(deployment) > 0 ? wanted(deployment) + maxSurge(deployment) : 0;
  const toAdd = allowed - total(active, sizeOf);
  const ordered = [...active].sort(bySize(toAdd));
  const sizes = new Map<string, number>();
  let added = 0;
  for (const replicaSet of ordered) {
    const left = toAdd - added;
    let share = 0;
    if (left !== 0 && sizeOf(replicaSet) > 0) {
      const own = fraction(replicaSet, deployment);
      share = toAdd > 0 ? Math.min(own, left) : Math.max(own, left);
    }
    sizes.set(nameOf(replicaSet), sizeOf(replicaSet) + share);
    added += share;
  }
  const [largest] = ordered;
  if (largest !== undefined && toAdd !== 0) {
    const name = nameOf(largest);
    sizes.set(name, Math.max(0, (sizes.get(name) ?? 0) + toAdd - added));
  }
  return sizes;
}
