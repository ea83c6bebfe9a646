/** Whether a pod has to leave a node for its taints, and when. */
import type { Pod, Taint } from '@periplus/api/kinds';
import { tolerates } from '@periplus/control/scheduling';
import { timeOf } from '../shared/identity.js';

export type EvictionPlan = { readonly kind: 'stay' } | { readonly kind: 'leave'; readonly atMs: number };

const STAY: EvictionPlan = { kind: 'stay' };

/** `seenAtMs`: when a taint that doesn't say since when it is there was first seen. */
export function planEviction(pod: Pod, taints: readonly Taint[], seenAtMs: number): EvictionPlan {
  const evicting = taints.filter((taint) => taint.effect === 'NoExecute');
  if (evicting.length === 0) return STAY;
  const tolerations = pod.spec?.tolerations ?? [];
  let atMs = Number.POSITIVE_INFINITY;
  for (const taint of evicting) {
    const matching = tolerations.filter((toleration) => tolerates(toleration, taint));
    if (matching.length === 0) return { kind: 'leave', atMs: seenAtMs };
    const since = timeOf(taint.timeAdded) || seenAtMs;
    for (const { tolerationSeconds } of matching)
      if (tolerationSeconds !== undefined) atMs = Math.min(atMs, since + Math.max(0, tolerationSeconds) * 1_000);
  }
  return atMs === Number.POSITIVE_INFINITY ? STAY : { kind: 'leave', atMs };
}
