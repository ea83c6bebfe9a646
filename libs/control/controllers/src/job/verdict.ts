/** Whether a Job is decided, and why: its interim condition, from which the final one follows when all its pods have ended. */
import type { Job, JobCondition, Pod, SuccessPolicyRule } from '@periplus/api/kinds';
import { timeOf } from '../shared/identity.js';
import { parseIndexes } from './indexes.js';
import { hasLimitPerIndex, isIndexed } from './job-pods.js';
import { completionsOf, type Tally } from './tally.js';

export interface Verdict {
  readonly type: 'FailureTarget' | 'SuccessCriteriaMet';
  readonly reason: string;
  readonly message: string;
}

export function conditionOf(job: Job, type: string): JobCondition | undefined {
  return job.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
}

/** The condition that says a Job is over. */
export const finishedCondition = (job: Job): JobCondition | undefined =>
  conditionOf(job, 'Complete') ?? conditionOf(job, 'Failed');

function known(job: Job, type: Verdict['type']): Verdict | undefined {
  const condition = conditionOf(job, type);
  return condition && { type, reason: condition.reason ?? '', message: condition.message ?? '' };
}

const failure = (reason: string, message: string): Verdict => ({ type: 'FailureTarget', reason, message });
const success = (reason: string, message: string): Verdict => ({ type: 'SuccessCriteriaMet', reason, message });

function restartsOf(pods: readonly Pod[]): number {
  let restarts = 0;
  for (const { status } of pods) {
    if (status?.phase !== 'Running' && status?.phase !== 'Pending') continue;
    for (const { restartCount } of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])])
      restarts += restartCount ?? 0;
  }
  return restarts;
}

/** Containers that are restarted in place count against the limit too. */
function isBeyondBackoffLimit(job: Job, tally: Tally): boolean {
  const limit = job.spec?.backoffLimit ?? 6;
  if (tally.newlyFailed.length > 0 && tally.failed > limit) return true;
  if (job.spec?.template?.spec?.restartPolicy !== 'OnFailure') return false;
  const restarts = restartsOf(tally.active);
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** Milliseconds until the deadline; undefined where there is none that runs. */
export function deadlineInMs(job: Job, nowMs: number): number | undefined {
  const { activeDeadlineSeconds, suspend } = job.spec ?? {};
  if (activeDeadlineSeconds === undefined || suspend === true || job.status?.startTime === undefined) return undefined;
  return timeOf(job.status.startTime) + activeDeadlineSeconds * 1_000 - nowMs;
}

function matchesSuccessRule(rule: SuccessPolicyRule, completed: ReadonlySet<number>, completions: number): boolean {
  if (rule.succeededIndexes === undefined) return completed.size >= (rule.succeededCount ?? Infinity);
  const wanted = parseIndexes(rule.succeededIndexes, completions);
  const reached = [...wanted].filter((index) => completed.has(index)).length;
  return reached >= (rule.succeededCount ?? wanted.size);
}

function judgeIndexes(job: Job, tally: Tally): Verdict | undefined {
  if (hasLimitPerIndex(job)) {
    const { maxFailedIndexes } = job.spec ?? {};
    if (maxFailedIndexes !== undefined && tally.failedIndexes.size > maxFailedIndexes)
      return failure('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
  }
  const rules = job.spec?.successPolicy?.rules ?? [];
  const matched = rules.findIndex((rule) => matchesSuccessRule(rule, tally.completedIndexes, completionsOf(job)));
  if (matched >= 0) return success('SuccessPolicy', `Matched rules at index ${matched}`);
  if (tally.failedIndexes.size > 0 && tally.failedIndexes.size + tally.completedIndexes.size >= completionsOf(job))
    return failure('FailedIndexes', 'Job has failed indexes');
  return undefined;
}

function isComplete(job: Job, tally: Tally): boolean {
  if (tally.active.length > 0) return false;
  // A work queue is done when one of its workers says so and the others have ended.
  if (job.spec?.completions === undefined) return tally.succeeded > 0;
  return tally.succeeded >= job.spec.completions;
}

/** Undefined while the Job goes on. What was decided once stays so. */
export function judgeJob(job: Job, tally: Tally, nowMs: number): Verdict | undefined {
  const before = known(job, 'FailureTarget') ?? known(job, 'SuccessCriteriaMet');
  if (before !== undefined) return before;
  for (const { verdict } of tally.newlyFailed)
    if (verdict.action === 'FailJob') return failure('PodFailurePolicy', verdict.message);
  if (isBeyondBackoffLimit(job, tally))
    return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  if ((deadlineInMs(job, nowMs) ?? 1) <= 0)
    return failure('DeadlineExceeded', 'Job was active longer than specified deadline');
  const indexes = isIndexed(job) ? judgeIndexes(job, tally) : undefined;
  if (indexes !== undefined) return indexes;
  if (isComplete(job, tally)) return success('CompletionsReached', 'Reached expected number of succeeded pods');
  return undefined;
}
