/** The revision a rollout has in the annotations of Deployment and ReplicaSet, and the other annotations it passes on. */
import type { Deployment, ReplicaSet } from '@periplus/api/kinds';
import { annotationsOf } from '../shared/identity.js';
import { DESIRED_REPLICAS, MAX_REPLICAS, maxSurge, wanted } from './replica-math.js';

export const REVISION = 'deployment.kubernetes.io/revision';
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
/** Annotations of the Deployment that are its own. */
const NOT_PASSED_ON: readonly string[] = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
];
const HISTORY_LENGTH_MAX = 2_000;

export function revisionNumber(replicaSet: ReplicaSet): number {
  const text = annotationsOf(replicaSet)[REVISION];
  return text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : 0;
}

export function nextRevision(old: readonly ReplicaSet[]): number {
  return Math.max(0, ...old.map(revisionNumber)) + 1;
}

function history(before: Record<string, string>, revision: number): string {
  const earlier = before[REVISION_HISTORY];
  const entries = earlier === undefined || earlier === '' ? [] : earlier.split(',');
  entries.push(String(revision));
  while (entries.join(',').length > HISTORY_LENGTH_MAX) entries.shift();
  return entries.join(',');
}

/** The annotations of the ReplicaSet that runs the present template; `before` are its own, empty for one to be made. */
export function replicaSetAnnotations(
  deployment: Deployment,
  before: Record<string, string>,
  revision: number,
): Record<string, string> {
  const result: Record<string, string> = { ...before };
  for (const [key, value] of Object.entries(annotationsOf(deployment)))
    if (!NOT_PASSED_ON.includes(key)) result[key] = value;
  const known = Number(before[REVISION] ?? 0);
  if (known < revision) {
    result[REVISION] = String(revision);
    if (known > 0) result[REVISION_HISTORY] = history(before, known);
  }
  return result;
}

/** How many replicas the deployment wanted, and could have, when the ReplicaSet was last sized. */
export function sizeAnnotations(deployment: Deployment): Record<string, string> {
  return {
    [DESIRED_REPLICAS]: String(wanted(deployment)),
    [MAX_REPLICAS]: String(wanted(deployment) + maxSurge(deployment)),
  };
}
