/** What a Job's pods say of themselves: index, failures before them, whether they are counted yet, when they ended. */
import type { Job, Pod } from '@periplus/api/kinds';
import { annotationsOf, isDeleting, timeOf } from '../shared/identity.js';
import { podCondition } from '../shared/pod-state.js';

/** Holds a pod until the Job has counted it. */
export const TRACKING = 'batch.kubernetes.io/job-tracking';
export const COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index';
/** On pods of Jobs with a limit an index: the failures of the index before this pod, and those of them that were ignored. */
export const FAILURE_COUNT = 'batch.kubernetes.io/job-index-failure-count';
export const IGNORED_FAILURE_COUNT = 'batch.kubernetes.io/job-index-ignored-failure-count';

export const isIndexed = (job: Job): boolean => job.spec?.completionMode === 'Indexed';
export const hasLimitPerIndex = (job: Job): boolean => isIndexed(job) && job.spec?.backoffLimitPerIndex !== undefined;
/** Whether a pod counts as failed, and is replaced, only when it has ended. */
export const replacesOnlyFailed = (job: Job): boolean => job.spec?.podReplacementPolicy === 'Failed';
export const isTracked = (pod: Pod): boolean => pod.metadata?.finalizers?.includes(TRACKING) ?? false;
export const isSucceeded = (pod: Pod): boolean => pod.status?.phase === 'Succeeded';

export function isFailed(job: Job, pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  return isDeleting(pod) && !isSucceeded(pod) && (!replacesOnlyFailed(job) || isDeleting(job));
}

function countIn(pod: Pod, annotation: string): number {
  const text = annotationsOf(pod)[annotation];
  return text !== undefined && /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
}

export const failuresBefore = (pod: Pod): number => countIn(pod, FAILURE_COUNT);
export const ignoredFailuresBefore = (pod: Pod): number => countIn(pod, IGNORED_FAILURE_COUNT);

/** Undefined where the pod names none that the Job has. */
export function indexOf(job: Job, pod: Pod): number | undefined {
  const text = annotationsOf(pod)[COMPLETION_INDEX];
  if (text === undefined || !/^[0-9]{1,10}$/.test(text)) return undefined;
  return Number(text) < (job.spec?.completions ?? 0) ? Number(text) : undefined;
}

/** The end of its last container; of a pod that never ran, of what ended it. */
export function endedAtMs(pod: Pod): number {
  const ends = (pod.status?.containerStatuses ?? []).map(({ state }) => timeOf(state?.terminated?.finishedAt));
  const lastEnd = Math.max(0, ...ends);
  if (lastEnd > 0) return lastEnd;
  return (
    timeOf(podCondition(pod, 'Ready')?.lastTransitionTime) ||
    timeOf(pod.metadata?.deletionTimestamp) ||
    timeOf(pod.metadata?.creationTimestamp)
  );
}
