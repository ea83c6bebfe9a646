/** Pods that nobody will ever end: on a node that is gone, ended ones beyond a number, deleted before they had a node. */
import type { Pod } from '@periplus/api/kinds';
import { isDeleting, timeOf } from '../shared/identity.js';
import { isTerminated } from '../shared/pod-state.js';

/** So long a node has to be missing before its pods are given up. */
export const QUARANTINE_MS = 40_000;

export interface PodGarbage {
  /** The oldest ended ones beyond the threshold. */
  readonly terminated: readonly Pod[];
  /** On nodes that are missing for long enough; to be asked of the server once more. */
  readonly orphaned: readonly Pod[];
  /** Being deleted without ever having had a node. */
  readonly unscheduled: readonly Pod[];
}

const hasNode = (pod: Pod): boolean => (pod.spec?.nodeName ?? '') !== '';
const createdAt = (pod: Pod): number => timeOf(pod.metadata?.creationTimestamp);

/** `missingSince`: by node, as `trackMissing` keeps it. */
export function planPodGarbage(
  pods: readonly Pod[],
  missingSince: ReadonlyMap<string, number>,
  threshold: number,
  nowMs: number,
): PodGarbage {
  const ended = pods.filter((pod) => isTerminated(pod) && !isDeleting(pod)).sort((a, b) => createdAt(a) - createdAt(b));
  return {
    terminated: ended.slice(0, Math.max(0, ended.length - threshold)),
    orphaned: pods.filter((pod) => {
      const since = missingSince.get(pod.spec?.nodeName ?? '');
      return hasNode(pod) && since !== undefined && nowMs - since >= QUARANTINE_MS;
    }),
    unscheduled: pods.filter((pod) => !hasNode(pod) && isDeleting(pod)),
  };
}

/** Nodes that pods name and nobody knows, with the time since which that is so. */
export function trackMissing(
  before: ReadonlyMap<string, number>,
  pods: readonly Pod[],
  nodeExists: (name: string) => boolean,
  nowMs: number,
): Map<string, number> {
  const missing = new Map<string, number>();
  for (const pod of pods) {
    const name = pod.spec?.nodeName ?? '';
    if (name !== '' && !nodeExists(name)) missing.set(name, before.get(name) ?? nowMs);
  }
  return missing;
}
