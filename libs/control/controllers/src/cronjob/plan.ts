/** What a CronJob wants done now: the Job to start, those to delete, and the status it should show. */
import type { CronJob, CronJobStatus, Job } from '@periplus/api/kinds';
import { formatTime } from '@periplus/base/clock';
import { finishedCondition } from '../job/verdict.js';
import { newControllerRef } from '../shared/controller-ref.js';
import { nameOf, namespaceOf, timeOf, uidOf } from '../shared/identity.js';
import { dueStarts, MISSED_MAX, type Schedule } from './schedule.js';

export interface Told {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface CronJobPlan {
  /** When the Job that is to start was due. */
  readonly startMs?: number;
  /** Running ones that it replaces. */
  readonly replace: readonly Job[];
  readonly told: readonly Told[];
  /** Until the next start. */
  readonly waitMs?: number;
}

const MINUTE_MS = 60_000;
/** So that the clock is surely past the minute. */
const SKEW_MS = 100;

const warning = (reason: string, message: string): Told => ({ type: 'Warning', reason, message });

/** The finished Jobs beyond the limits, the oldest first. */
export function expiredJobs(cronJob: CronJob, jobs: readonly Job[]): Job[] {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec ?? {};
  const startOf = (job: Job): number => timeOf(job.status?.startTime ?? job.metadata?.creationTimestamp);
  const beyond = (type: string, limit: number | undefined): Job[] => {
    if (limit === undefined) return [];
    const finished = jobs
      .filter((job) => finishedCondition(job)?.type === type)
      .sort((a, b) => startOf(a) - startOf(b) || (nameOf(a) < nameOf(b) ? -1 : 1));
    return finished.slice(0, Math.max(0, finished.length - limit));
  };
  return [...beyond('Complete', successfulJobsHistoryLimit), ...beyond('Failed', failedJobsHistoryLimit)];
}

/** Follows the Jobs that the status calls active. */
export function observeJobs(
  cronJob: CronJob,
  jobs: readonly Job[],
): { readonly status: CronJobStatus; readonly told: readonly Told[] } {
  const before = cronJob.status ?? {};
  const byUid = new Map(jobs.map((job) => [uidOf(job), job]));
  const told: Told[] = [];
  const active = (before.active ?? []).filter(({ uid, name }) => {
    const job = byUid.get(uid ?? '');
    if (job === undefined) {
      told.push({ type: 'Normal', reason: 'MissingJob', message: `Active job went missing: ${name}` });
      return false;
    }
    const finished = finishedCondition(job);
    if (finished === undefined) return true;
    const message = `Saw completed job: ${name}, condition: ${finished.type}`;
    told.push({ type: 'Normal', reason: 'SawCompletedJob', message });
    return false;
  });
  const successes = jobs.filter((job) => finishedCondition(job)?.type === 'Complete');
  const lastSuccess = Math.max(
    timeOf(before.lastSuccessfulTime),
    ...successes.map(({ status }) => timeOf(status?.completionTime)),
  );
  const { active: _active, ...rest } = before;
  return {
    status: {
      ...rest,
      ...(active.length === 0 ? {} : { active }),
      ...(lastSuccess === 0 ? {} : { lastSuccessfulTime: formatTime(lastSuccess) }),
    },
    told,
  };
}

/** `running`: its Jobs that have not finished. */
export function planStart(cronJob: CronJob, schedule: Schedule, running: readonly Job[], nowMs: number): CronJobPlan {
  const { startingDeadlineSeconds, concurrencyPolicy } = cronJob.spec ?? {};
  const lastMs = timeOf(cronJob.status?.lastScheduleTime);
  const sinceMs = lastMs === 0 ? timeOf(cronJob.metadata?.creationTimestamp) : lastMs;
  const deadlineMs = startingDeadlineSeconds === undefined ? Infinity : startingDeadlineSeconds * 1_000;
  const earliestMs = Math.max(sinceMs, nowMs - deadlineMs);
  const due = dueStarts(schedule, earliestMs, nowMs);
  const next = schedule.next(due.lastMs ?? earliestMs);
  const wait = next === undefined ? {} : { waitMs: next - nowMs + SKEW_MS };
  const nothing = { replace: [], told: [], ...wait };
  if (due.lastMs === undefined) {
    const missed = startingDeadlineSeconds === undefined ? undefined : dueStarts(schedule, sinceMs, nowMs).lastMs;
    if (missed === undefined) return nothing;
    return {
      ...nothing,
      told: [warning('MissSchedule', `Missed scheduled time to start a job: ${formatTime(missed)}`)],
    };
  }
  const told: Told[] = [];
  if (due.count > MISSED_MAX)
    told.push(
      warning(
        'TooManyMissedTimes',
        'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
      ),
    );
  if (due.lastMs === lastMs || running.some((job) => nameOf(job) === jobNameOf(cronJob, due.lastMs!))) return nothing;
  if (concurrencyPolicy === 'Forbid' && running.length > 0) {
    const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
    return { ...nothing, told: [...told, { type: 'Normal', reason: 'JobAlreadyActive', message }] };
  }
  return { ...wait, startMs: due.lastMs, replace: concurrencyPolicy === 'Replace' ? running : [], told };
}

/** One a minute: a Job that was started before the status could say so is found by its name. */
export const jobNameOf = (cronJob: CronJob, dueMs: number): string =>
  `${nameOf(cronJob)}-${Math.floor(dueMs / MINUTE_MS)}`;

export function jobOf(cronJob: CronJob, dueMs: number): Job {
  const { metadata, spec } = cronJob.spec?.jobTemplate ?? {};
  const { labels, annotations } = metadata ?? {};
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobNameOf(cronJob, dueMs),
      namespace: namespaceOf(cronJob),
      ...(labels === undefined ? {} : { labels }),
      annotations: { ...annotations, 'batch.kubernetes.io/cronjob-scheduled-timestamp': formatTime(dueMs) },
      ownerReferences: [newControllerRef(cronJob, 'batch/v1', 'CronJob')],
    },
    ...(spec === undefined ? {} : { spec }),
  };
}
