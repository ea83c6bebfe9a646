/** Which pods go first when there are too many: those whose loss hurts least. */
import type { Pod } from '@periplus/api/kinds';
import { annotationsOf, timeOf, uidOf } from './identity.js';
import { isReady, readySinceMs } from './pod-state.js';

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const PHASE_RANK: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

function deletionCost(pod: Pod): number {
  const text = annotationsOf(pod)[DELETION_COST];
  return text !== undefined && /^-?[0-9]{1,10}$/.test(text) ? Number(text) : 0;
}

function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount ?? 0));
}

/** Ages are compared by their order of magnitude, so that among pods of like age chance (the uid) decides, not a few seconds. */
function magnitude(sinceMs: number, nowMs: number): number {
  const seconds = Math.floor((nowMs - sinceMs) / 1_000);
  return seconds < 1 ? -1 : Math.floor(Math.log2(seconds));
}

type Comparison = (a: Pod, b: Pod) => number;

/** Negative when `a` goes before `b`. */
function comparisons(sameNode: ReadonlyMap<Pod, number>, nowMs: number): readonly Comparison[] {
  const by =
    (rank: (pod: Pod) => number): Comparison =>
    (a, b) =>
      rank(a) - rank(b);
  return [
    by((pod) => (pod.spec?.nodeName ? 1 : 0)),
    by((pod) => PHASE_RANK[pod.status?.phase ?? ''] ?? 0),
    by((pod) => (isReady(pod) ? 1 : 0)),
    by(deletionCost),
    by((pod) => -(sameNode.get(pod) ?? 0)),
    by((pod) => (isReady(pod) ? magnitude(readySinceMs(pod), nowMs) : 0)),
    by((pod) => -restarts(pod)),
    by((pod) => magnitude(timeOf(pod.metadata?.creationTimestamp), nowMs)),
    (a, b) => (uidOf(a) < uidOf(b) ? -1 : uidOf(a) > uidOf(b) ? 1 : 0),
  ];
}

/**
 * The `count` pods to delete. `related`: all active pods of sibling ReplicaSets, the pods themselves among them; where
 * more of them share a node, that node gives first.
 */
export function podsToDelete(pods: readonly Pod[], related: readonly Pod[], count: number, nowMs: number): Pod[] {
  if (count >= pods.length) return [...pods];
  const onNode = new Map<string, number>();
  for (const { spec } of related) if (spec?.nodeName) onNode.set(spec.nodeName, (onNode.get(spec.nodeName) ?? 0) + 1);
  const sameNode = new Map(pods.map((pod) => [pod, onNode.get(pod.spec?.nodeName ?? '') ?? 0]));
  const order = comparisons(sameNode, nowMs);
  const ranked = [...pods].sort((a, b) => {
    for (const compare of order) {
      const result = compare(a, b);
      if (result !== 0) return result;
    }
    return 0;
  });
  return ranked.slice(0, count);
}
