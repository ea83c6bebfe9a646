/** Counts a Job's pods, each that ended once: what the status has counted, and what is still held by its finalizer. */
import type { Job, Pod } from '@periplus/api/kinds';
import { uidOf } from '../shared/identity.js';
import { isActive, isReady, isTerminating } from '../shared/pod-state.js';
import { type FailureVerdict, judgeFailure } from './failure-policy.js';
import { parseIndexes } from './indexes.js';
import {
  failuresBefore,
  hasLimitPerIndex,
  ignoredFailuresBefore,
  indexOf,
  isFailed,
  isIndexed,
  isSucceeded,
  isTracked,
} from './job-pods.js';

export interface FailedPod {
  readonly pod: Pod;
  readonly verdict: FailureVerdict;
}

export interface Tally {
  readonly active: readonly Pod[];
  readonly terminating: readonly Pod[];
  readonly ready: number;
  /** Ended and held, not in the status yet. */
  readonly newlySucceeded: readonly Pod[];
  readonly newlyFailed: readonly FailedPod[];
  /** All of them, the new among them; ignored failures are none. Of an indexed Job the indexes count. */
  readonly succeeded: number;
  readonly failed: number;
  /** Empty where the Job has no indexes. */
  readonly completedIndexes: ReadonlySet<number>;
  readonly failedIndexes: ReadonlySet<number>;
}

export const completionsOf = (job: Job): number => job.spec?.completions ?? 0;

/** Uids that the status has named and not yet counted. */
export function uncountedIn(job: Job): { readonly succeeded: readonly string[]; readonly failed: readonly string[] } {
  const { succeeded = [], failed = [] } = job.status?.uncountedTerminatedPods ?? {};
  return { succeeded, failed };
}

function isIndexFailed(job: Job, { pod, verdict }: FailedPod): boolean {
  if (verdict.action === 'FailIndex') return true;
  return verdict.action !== 'Ignore' && failuresBefore(pod) >= (job.spec?.backoffLimitPerIndex ?? Infinity);
}

/** `pods`: all that the Job controls. */
export function tallyPods(job: Job, pods: readonly Pod[]): Tally {
  const uncounted = uncountedIn(job);
  const named = new Set([...uncounted.succeeded, ...uncounted.failed]);
  const fresh = pods.filter((pod) => isTracked(pod) && !named.has(uidOf(pod)));
  const newlySucceeded = fresh.filter(isSucceeded);
  const newlyFailed = fresh
    .filter((pod) => isFailed(job, pod))
    .map((pod) => ({ pod, verdict: judgeFailure(job, pod) }));

  const completedIndexes = isIndexed(job)
    ? parseIndexes(job.status?.completedIndexes, completionsOf(job))
    : new Set<number>();
  const failedIndexes = hasLimitPerIndex(job)
    ? parseIndexes(job.status?.failedIndexes, completionsOf(job))
    : new Set<number>();
  if (isIndexed(job))
    for (const pod of newlySucceeded) {
      const index = indexOf(job, pod);
      if (index !== undefined) completedIndexes.add(index);
    }
  if (hasLimitPerIndex(job))
    for (const failed of newlyFailed) {
      const index = indexOf(job, failed.pod);
      if (index !== undefined && !completedIndexes.has(index) && isIndexFailed(job, failed)) failedIndexes.add(index);
    }

  const counted = newlyFailed.filter(({ verdict }) => verdict.action !== 'Ignore');
  const active = pods.filter(isActive);
  return {
    active,
    terminating: pods.filter(isTerminating),
    ready: active.filter(isReady).length,
    newlySucceeded,
    newlyFailed,
    succeeded: isIndexed(job)
      ? completedIndexes.size
      : (job.status?.succeeded ?? 0) + uncounted.succeeded.length + newlySucceeded.length,
    failed: (job.status?.failed ?? 0) + uncounted.failed.length + counted.length,
    completedIndexes,
    failedIndexes,
  };
}

/**
 * The last failed pod of each index that is to be tried again: it stays, uncounted, until its successor is there, since it
 * knows how often the index has failed.
 */
export function heldForRetry(job: Job, tally: Tally): ReadonlyMap<number, FailedPod> {
  const last = new Map<number, FailedPod>();
  if (!hasLimitPerIndex(job)) return last;
  for (const failed of tally.newlyFailed) {
    const index = indexOf(job, failed.pod);
    if (index === undefined || tally.completedIndexes.has(index) || tally.failedIndexes.has(index)) continue;
    const known = last.get(index);
    if (known === undefined || attempts(known.pod) < attempts(failed.pod)) last.set(index, failed);
  }
  for (const pod of [...tally.active, ...tally.terminating]) {
    const index = indexOf(job, pod);
    const held = index === undefined ? undefined : last.get(index);
    if (held !== undefined && held.pod !== pod && attempts(pod) > attempts(held.pod)) last.delete(index!);
  }
  return last;
}

/** Grows with each pod of an index, ignored failures and all. */
function attempts(pod: Pod): number {
  return failuresBefore(pod) + ignoredFailuresBefore(pod);
}
