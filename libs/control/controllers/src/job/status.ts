/**
 * A Job's status in two steps, so that each pod is counted once whatever is killed in between: first the status names the
 * pods that ended, then they lose the finalizer that holds them, and then they become numbers.
 */
import type { Job, JobCondition, JobStatus, Pod } from '@periplus/api/kinds';
import { formatTime } from '@periplus/base/clock';
import { isDeleting, uidOf } from '../shared/identity.js';
import { formatIndexes } from './indexes.js';
import { hasLimitPerIndex, isIndexed, isTracked } from './job-pods.js';
import { heldForRetry, type Tally, uncountedIn } from './tally.js';
import { conditionOf, type Verdict } from './verdict.js';

export interface CountedStatus {
  readonly status: JobStatus;
  /** To lose the finalizer once the status is written. */
  readonly release: readonly Pod[];
}

function condition(type: string, status: string, reason: string, message: string, nowMs: number): JobCondition {
  const now = formatTime(nowMs);
  return { type, status, lastProbeTime: now, lastTransitionTime: now, reason, message };
}

function withCondition(conditions: readonly JobCondition[], added: JobCondition): JobCondition[] {
  const known = conditions.find(({ type }) => type === added.type);
  if (known?.status === added.status) return [...conditions];
  return [...conditions.filter(({ type }) => type !== added.type), added];
}

function suspension(job: Job, verdict: Verdict | undefined, nowMs: number): JobCondition | undefined {
  if (verdict !== undefined) return undefined;
  if (job.spec?.suspend === true) return condition('Suspended', 'True', 'JobSuspended', 'Job suspended', nowMs);
  if (conditionOf(job, 'Suspended') === undefined) return undefined;
  return condition('Suspended', 'False', 'JobResumed', 'Job resumed', nowMs);
}

/** Zero counts are absent, as the API leaves them out. */
function withCounts(status: JobStatus, counts: Pick<JobStatus, 'active' | 'succeeded' | 'failed'>): JobStatus {
  const { active: _active, succeeded: _succeeded, failed: _failed, ...rest } = status;
  return { ...rest, ...Object.fromEntries(Object.entries(counts).filter(([, count]) => (count ?? 0) > 0)) };
}

function uncounted(succeeded: readonly string[], failed: readonly string[]): JobStatus['uncountedTerminatedPods'] {
  return {
    ...(succeeded.length === 0 ? {} : { succeeded: [...succeeded] }),
    ...(failed.length === 0 ? {} : { failed: [...failed] }),
  };
}

/** The status of now: it names what ended. `active`: how many there are after what this pass made and deleted. */
export function nameEnded(
  job: Job,
  pods: readonly Pod[],
  tally: Tally,
  outcome: { readonly verdict: Verdict | undefined; readonly active: number },
  nowMs: number,
): CountedStatus {
  const { verdict } = outcome;
  const before = job.status ?? {};
  const known = uncountedIn(job);
  const isOver = verdict !== undefined || isDeleting(job);
  const held = new Set(isOver ? [] : [...heldForRetry(job, tally).values()].map(({ pod }) => pod));
  const ended = tally.newlyFailed.filter(({ pod }) => !held.has(pod));
  // When a Job has failed, what has not ended yet is a failure of it, without waiting for its end.
  const endedEarly =
    verdict?.type === 'FailureTarget'
      ? [...tally.active, ...tally.terminating].filter(
          (pod) =>
            isTracked(pod) &&
            !known.failed.includes(uidOf(pod)) &&
            !tally.newlyFailed.some((failed) => failed.pod === pod),
        )
      : [];
  const counted = ended.filter(({ verdict: judged }) => judged.action !== 'Ignore').map(({ pod }) => pod);
  const succeeded = isIndexed(job) ? known.succeeded : [...known.succeeded, ...tally.newlySucceeded.map(uidOf)];
  const failed = [...known.failed, ...counted.map(uidOf), ...endedEarly.map(uidOf)];

  const suspended = suspension(job, verdict, nowMs);
  let conditions = before.conditions ?? [];
  if (suspended !== undefined) conditions = withCondition(conditions, suspended);
  if (verdict !== undefined)
    conditions = withCondition(conditions, condition(verdict.type, 'True', verdict.reason, verdict.message, nowMs));
  const isResumed = suspended?.status === 'False';
  const startTime = isResumed || (before.startTime === undefined && job.spec?.suspend !== true);

  const named = new Set([...succeeded, ...failed]);
  return {
    status: withCounts(
      {
        ...before,
        ...(conditions.length === 0 ? {} : { conditions: [...conditions] }),
        ...(startTime ? { startTime: formatTime(nowMs) } : {}),
        ready: tally.ready,
        terminating: tally.terminating.length,
        ...(tally.completedIndexes.size === 0 ? {} : { completedIndexes: formatIndexes(tally.completedIndexes) }),
        ...(hasLimitPerIndex(job) ? { failedIndexes: formatIndexes(tally.failedIndexes) } : {}),
        uncountedTerminatedPods: uncounted(succeeded, failed),
      },
      {
        active: outcome.active,
        succeeded: isIndexed(job) ? tally.completedIndexes.size : (before.succeeded ?? 0),
        failed: before.failed ?? 0,
      },
    ),
    release: pods.filter(
      (pod) =>
        isTracked(pod) &&
        (named.has(uidOf(pod)) ||
          tally.newlySucceeded.includes(pod) ||
          ended.some((failedPod) => failedPod.pod === pod)),
    ),
  };
}

/**
 * The status in which those that nothing holds any more are numbers; the Job is over when none is held and none runs.
 *
 * @param held pods that still have the finalizer
 */
export function countReleased(
  status: JobStatus,
  held: readonly Pod[],
  verdict: Verdict | undefined,
  running: number,
  nowMs: number,
): JobStatus {
  const heldUids = new Set(held.map(uidOf));
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const stillHeld = (uids: readonly string[]): string[] => uids.filter((uid) => heldUids.has(uid));
  const counts = {
    succeeded: (status.succeeded ?? 0) + succeeded.length - stillHeld(succeeded).length,
    failed: (status.failed ?? 0) + failed.length - stillHeld(failed).length,
  };
  const isOver = verdict !== undefined && held.length === 0 && running === 0;
  const next = withCounts(
    { ...status, uncountedTerminatedPods: uncounted(stillHeld(succeeded), stillHeld(failed)) },
    { ...counts, active: isOver ? 0 : (status.active ?? 0) },
  );
  if (!isOver) return next;
  const isSuccess = verdict.type === 'SuccessCriteriaMet';
  const last = condition(isSuccess ? 'Complete' : 'Failed', 'True', verdict.reason, verdict.message, nowMs);
  return {
    ...next,
    ready: 0,
    terminating: 0,
    conditions: withCondition(next.conditions ?? [], last),
    ...(isSuccess ? { completionTime: formatTime(nowMs) } : {}),
  };
}
