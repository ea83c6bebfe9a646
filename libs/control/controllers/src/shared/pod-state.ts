/** What a Pod's status says, in the words controllers use: active, ready, available. */
import type { Pod, PodCondition } from '@periplus/api/kinds';
import { isDeleting, timeOf } from './identity.js';

export const isTerminated = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';

/** Counts as a replica: neither over nor going. */
export const isActive = (pod: Pod): boolean => !isTerminated(pod) && !isDeleting(pod);

/** Going, but not over yet. */
export const isTerminating = (pod: Pod): boolean => !isTerminated(pod) && isDeleting(pod);

export function podCondition(pod: Pod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

export const isReady = (pod: Pod): boolean => podCondition(pod, 'Ready')?.status === 'True';

/** When the pod became ready; 0 when it isn't. */
export function readySinceMs(pod: Pod): number {
  const condition = podCondition(pod, 'Ready');
  return condition?.status === 'True' ? timeOf(condition.lastTransitionTime) : 0;
}

/** Ready for `minReadySeconds` at least. */
export function isAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  if (!isReady(pod)) return false;
  if (minReadySeconds === 0) return true;
  const since = readySinceMs(pod);
  return since !== 0 && since + minReadySeconds * 1_000 <= nowMs;
}
