/** Runs a Job's pods to completion. */
import { type Job, type JobStatus, type Pod, sameJson } from '@periplus/api/kinds';
import { isStatusError, toLabelSelector } from '@periplus/api/meta';
import { splitObjectKey } from '@periplus/client/informer';
import { type Controller, createController, isOutage, type Reconciled } from '@periplus/client/reconcile';
import { claim } from '../shared/claims.js';
import type { ControllerContext } from '../shared/controller-context.js';
import { newControllerRef } from '../shared/controller-ref.js';
import { type Owners, readSelector, watchDependents, watchOwners } from '../shared/dependents-watch.js';
import { causedBy, isDeleting, targetOf, uidOf } from '../shared/identity.js';
import { createPendingWrites } from '../shared/pending-writes.js';
import { createPodControl, ManageError, type ManageFailure } from '../shared/pod-control.js';
import { isActive, isTerminating } from '../shared/pod-state.js';
import * as resources from '../shared/resources.js';
import { isTracked, TRACKING } from './job-pods.js';
import { type JobPlan, planPods, podOf } from './plan.js';
import { countReleased, nameEnded } from './status.js';
import { tallyPods } from './tally.js';
import { releasePod } from './tracking.js';
import { conditionOf, deadlineInMs, finishedCondition, judgeJob } from './verdict.js';

/** The awaited event wakes the key up; this is for the case that it was merged into another. */
const STALE_CACHE_RETRY_MS = 5_000;

/** Others may run Jobs of their own; those are left alone. */
export const isOurs = (job: Job): boolean =>
  (job.spec?.managedBy ?? 'kubernetes.io/job-controller') === 'kubernetes.io/job-controller';

export function createJobController(context: ControllerContext): Controller {
  const { client, time, informers } = context;
  const events = context.events('job-controller');
  const podWrites = createPendingWrites(informers.pods);
  const jobWrites = createPendingWrites(informers.jobs);
  const podControl = createPodControl(context, events, resources.jobs, podWrites);

  async function writeStatus(job: Job, key: string, status: JobStatus): Promise<Job> {
    if (sameJson(job.status, status)) return job;
    try {
      const target = targetOf(resources.jobs, job, 'status');
      const updated: Job = { ...job, status };
      const written = await client.update<Job>(target, updated, causedBy(resources.jobs, job));
      jobWrites.wrote(key, written);
      return written;
    } catch (error) {
      if (isOutage(error)) jobWrites.unknown(key);
      throw error;
    }
  }

  /** The pods as they are then, those that are gone left out. */
  async function release(job: Job, key: string, pods: readonly Pod[]): Promise<Pod[]> {
    const outcomes = await Promise.allSettled(
      pods.map((pod) => releasePod(client, pod, causedBy(resources.jobs, job))),
    );
    const released: Pod[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'rejected') {
        if (isOutage(outcome.reason)) podWrites.unknown(key);
        continue;
      }
      if (outcome.value === undefined) podWrites.deleted(key, pods[index]!);
      else {
        podWrites.wrote(key, outcome.value);
        released.push(outcome.value);
      }
    }
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason as Error;
    return released;
  }

  async function carryOut(job: Job, key: string, plan: JobPlan): Promise<ManageFailure | undefined> {
    const dropped = await release(job, key, plan.drop.filter(isTracked));
    const untracked = plan.drop.filter((pod) => !isTracked(pod));
    const deletion = await podControl.delete(job, key, [...plan.end, ...dropped, ...untracked]);
    const reference = newControllerRef(job, 'batch/v1', 'Job');
    const creation = await podControl.create(
      job,
      key,
      plan.create.map((pod) => podOf(job, reference, pod)),
    );
    return deletion ?? creation;
  }

  function tellChanges(before: Job, after: Job): void {
    for (const type of ['Suspended', 'Complete', 'Failed']) {
      const now = conditionOf(after, type);
      const was = conditionOf(before, type);
      if (type === 'Suspended' && was !== undefined && now === undefined)
        events.record(after, 'Normal', 'Resumed', 'Job resumed');
      if (now === undefined || was !== undefined) continue;
      if (type === 'Suspended') events.record(after, 'Normal', 'Suspended', 'Job suspended');
      else if (type === 'Complete') events.record(after, 'Normal', 'Completed', 'Job completed');
      else events.record(after, 'Warning', now.reason ?? type, now.message ?? '');
    }
  }

  async function settleDoubts(cached: Job, key: string): Promise<Job | undefined> {
    if (!jobWrites.isUnknown(key)) return cached;
    try {
      const live = await client.get<Job>(targetOf(resources.jobs, cached));
      jobWrites.settle(key);
      return uidOf(live) === uidOf(cached) ? live : undefined;
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  const isTrusted = (writes: typeof podWrites, key: string): boolean => writes.isUnknown(key) || writes.caughtUp(key);

  async function reconcile(key: string): Promise<Reconciled> {
    const { namespace, name } = splitObjectKey(key);
    const cached = informers.jobs.get(namespace, name);
    if (cached === undefined) {
      podWrites.forget(key);
      jobWrites.forget(key);
      return undefined;
    }
    if (!isOurs(cached) || finishedCondition(cached) !== undefined) return undefined;
    if (!isTrusted(podWrites, key) || !isTrusted(jobWrites, key)) return { requeueAfterMs: STALE_CACHE_RETRY_MS };
    const job = await settleDoubts(cached, key);
    const selector = toLabelSelector(job?.spec?.selector);
    if (job === undefined || !selector.ok) return undefined;

    const owner = { object: job, resource: resources.jobs, apiVersion: 'batch/v1', kind: 'Job', finalizer: TRACKING };
    const pods = await claim(client, owner, selector.value, resources.pods, await podControl.candidates(job, key));
    const nowMs = time.now();
    const tally = tallyPods(job, pods);
    const verdict = judgeJob(job, tally, nowMs);
    const plan = planPods(job, pods, tally, verdict, nowMs);
    const failure = await carryOut(job, key, plan);

    const created = failure === undefined ? plan.create.length : 0;
    const active = tally.active.length - plan.end.length - plan.drop.length + created;
    const named = nameEnded(job, pods, tally, { verdict, active }, nowMs);
    const dropped = new Set(plan.drop);
    let written = await writeStatus(job, key, named.status);
    await releaseEnded(written, key, named.release, plan.end);
    const released = new Set(named.release);
    const held = pods.filter((pod) => isTracked(pod) && !released.has(pod) && !dropped.has(pod));
    const running = pods.filter((pod) => isActive(pod) || isTerminating(pod)).length;
    written = await writeStatus(written, key, countReleased(written.status ?? {}, held, verdict, running, nowMs));
    tellChanges(job, written);
    if (failure !== undefined) throw new ManageError(failure);
    const waits = [plan.waitMs, verdict === undefined ? deadlineInMs(written, nowMs) : undefined];
    const waitMs = Math.min(...waits.filter((wait) => wait !== undefined));
    return waitMs === Infinity ? undefined : { requeueAfterMs: Math.max(1, waitMs) };
  }

  /** What this pass has deleted is no longer as it was seen: it is asked for again. */
  async function releaseEnded(job: Job, key: string, pods: readonly Pod[], ended: readonly Pod[]): Promise<void> {
    const touched = new Set(ended);
    const current = await Promise.all(
      pods.map(async (pod) => {
        if (!touched.has(pod)) return pod;
        try {
          const live = await client.get<Pod>(targetOf(resources.pods, pod));
          return uidOf(live) === uidOf(pod) && isTracked(live) ? live : undefined;
        } catch (error) {
          if (isStatusError(error, 'NotFound')) return undefined;
          throw error;
        }
      }),
    );
    await release(
      job,
      key,
      current.filter((pod) => pod !== undefined),
    );
  }

  const controller = createController({
    name: 'job',
    time,
    random: context.random,
    logger: context.logger,
    waitFor: [informers.jobs, informers.pods],
    reconcile,
  });

  const owners: Owners<Job> = {
    kind: 'Job',
    informer: informers.jobs,
    selectorOf: ({ spec }) => readSelector(spec?.selector),
    enqueue: (key) => controller.enqueue(key),
  };
  watchOwners(owners);
  watchDependents(owners, informers.pods);
  return controller;
}
