/** Starts Jobs at the times that CronJobs name. */
import { type CronJob, type CronJobStatus, type Job, sameJson } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import { keyOf, splitObjectKey } from '@periplus/client/informer';
import { formatTime } from '@periplus/base/clock';
import { type Controller, createController, isOutage, type Reconciled } from '@periplus/client/reconcile';
import { finishedCondition } from '../job/verdict.js';
import type { ControllerContext } from '../shared/controller-context.js';
import { controllerRefOf, isControlledBy } from '../shared/controller-ref.js';
import { causedBy, isDeleting, nameOf, namespaceOf, targetOf, uidOf } from '../shared/identity.js';
import { createPendingWrites } from '../shared/pending-writes.js';
import * as resources from '../shared/resources.js';
import { BY_CONTROLLER } from '../shared/shared-informers.js';
import { expiredJobs, jobOf, observeJobs, planStart } from './plan.js';
import { parseSchedule } from './schedule.js';

/** The awaited event wakes the key up; this is for the case that it was merged into another. */
const STALE_CACHE_RETRY_MS = 5_000;

export function createCronJobController(context: ControllerContext): Controller {
  const { client, time, informers } = context;
  const events = context.events('cronjob-controller');
  const statusWrites = createPendingWrites(informers.cronJobs);
  const jobWrites = createPendingWrites(informers.jobs);

  async function deleteJob(cronJob: CronJob, key: string, job: Job): Promise<void> {
    try {
      const preconditions = { uid: uidOf(job) };
      const options = {
        ...causedBy(resources.cronJobs, cronJob),
        preconditions,
        propagationPolicy: 'Background',
      } as const;
      await client.delete(targetOf(resources.jobs, job), options);
      events.record(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${nameOf(job)}`);
    } catch (error) {
      if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'Conflict')) throw error;
    }
    jobWrites.deleted(key, job);
  }

  /** The Job of that minute; undefined when its name is another's, or its namespace is going. */
  async function startJob(cronJob: CronJob, key: string, dueMs: number): Promise<Job | undefined> {
    const job = jobOf(cronJob, dueMs);
    const target = { ...resources.jobs, namespace: namespaceOf(cronJob) };
    try {
      const made = await client.create<Job>(target, job, causedBy(resources.cronJobs, cronJob));
      jobWrites.wrote(key, made);
      events.record(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${nameOf(made)}`);
      return made;
    } catch (error) {
      if (isStatusError(error, 'AlreadyExists')) {
        const known = await client.get<Job>({ ...target, name: nameOf(job) });
        if (isControlledBy(known, cronJob)) return known;
      }
      if (isOutage(error)) throw error;
      const message = error instanceof Error ? error.message : String(error);
      events.record(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${message}`);
      throw error;
    }
  }

  async function writeStatus(cronJob: CronJob, key: string, status: CronJobStatus): Promise<void> {
    if (sameJson(cronJob.status ?? {}, status)) return;
    const updated: CronJob = { ...cronJob, status };
    const target = targetOf(resources.cronJobs, cronJob, 'status');
    statusWrites.wrote(key, await client.update<CronJob>(target, updated, causedBy(resources.cronJobs, cronJob)));
  }

  const withStarted = (
    status: CronJobStatus,
    job: Job | undefined,
    dueMs: number,
    gone: readonly Job[],
  ): CronJobStatus => {
    const left = (status.active ?? []).filter(({ uid }) => !gone.some((one) => uidOf(one) === uid));
    const { apiVersion = 'batch/v1', kind = 'Job' } = job ?? {};
    const reference = job && {
      apiVersion,
      kind,
      name: nameOf(job),
      namespace: namespaceOf(job),
      uid: uidOf(job),
      resourceVersion: job.metadata?.resourceVersion ?? '',
    };
    const active = reference === undefined || finishedCondition(job!) ? left : [...left, reference];
    const { active: _active, ...rest } = status;
    return { ...rest, ...(active.length === 0 ? {} : { active }), lastScheduleTime: formatTime(dueMs) };
  };

  async function reconcile(key: string): Promise<Reconciled> {
    const { namespace, name } = splitObjectKey(key);
    const cronJob = informers.cronJobs.get(namespace, name);
    if (cronJob === undefined) {
      statusWrites.forget(key);
      jobWrites.forget(key);
      return undefined;
    }
    if (!statusWrites.caughtUp(key) || !jobWrites.caughtUp(key)) return { requeueAfterMs: STALE_CACHE_RETRY_MS };
    const jobs = informers.jobs.byIndex(BY_CONTROLLER, uidOf(cronJob));
    const seen = observeJobs(cronJob, jobs);
    for (const { type, reason, message } of seen.told) events.record(cronJob, type, reason, message);
    for (const job of expiredJobs(cronJob, jobs)) if (!isDeleting(job)) await deleteJob(cronJob, key, job);
    if (isDeleting(cronJob) || cronJob.spec?.suspend === true) {
      await writeStatus(cronJob, key, seen.status);
      return undefined;
    }
    const { schedule: text = '', timeZone } = cronJob.spec ?? {};
    const schedule = parseSchedule(text, timeZone);
    if (schedule === undefined) {
      await writeStatus(cronJob, key, seen.status);
      const where = timeZone === undefined ? '' : ` in time zone "${timeZone}"`;
      events.record(cronJob, 'Warning', 'UnparseableSchedule', `unparseable schedule: "${text}"${where}`);
      return undefined;
    }
    const running = jobs.filter((job) => finishedCondition(job) === undefined && !isDeleting(job));
    const plan = planStart(cronJob, schedule, running, time.now());
    for (const { type, reason, message } of plan.told) events.record(cronJob, type, reason, message);
    for (const job of plan.replace) await deleteJob(cronJob, key, job);
    const started = plan.startMs === undefined ? undefined : await startJob(cronJob, key, plan.startMs);
    await writeStatus(
      cronJob,
      key,
      plan.startMs === undefined ? seen.status : withStarted(seen.status, started, plan.startMs, plan.replace),
    );
    return plan.waitMs === undefined ? undefined : { requeueAfterMs: plan.waitMs };
  }

  const controller = createController({
    name: 'cronjob',
    time,
    random: context.random,
    logger: context.logger,
    waitFor: [informers.cronJobs, informers.jobs],
    reconcile,
  });
  function enqueueOwnerOf(job: Job): void {
    const reference = controllerRefOf(job);
    if (reference?.kind === 'CronJob') controller.enqueue(`${namespaceOf(job)}/${reference.name}`);
  }
  informers.cronJobs.addHandler({
    onAdd: (cronJob) => controller.enqueue(keyOf(cronJob)),
    onUpdate: (cronJob) => controller.enqueue(keyOf(cronJob)),
    onDelete: (cronJob) => controller.enqueue(keyOf(cronJob)),
  });
  informers.jobs.addHandler({ onAdd: enqueueOwnerOf, onUpdate: enqueueOwnerOf, onDelete: enqueueOwnerOf });
  return controller;
}
