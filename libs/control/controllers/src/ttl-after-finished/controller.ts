/** Deletes Jobs some time after they have finished, when they ask for it. */
import type { Job } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import { keyOf, splitObjectKey } from '@periplus/client/informer';
import { type Controller, createController, type Reconciled } from '@periplus/client/reconcile';
import { finishedCondition } from '../job/verdict.js';
import type { ControllerContext } from '../shared/controller-context.js';
import { causedBy, isDeleting, targetOf, timeOf, uidOf } from '../shared/identity.js';
import * as resources from '../shared/resources.js';

/** Milliseconds until the Job is to go; undefined where it is not. */
export function expiresInMs(job: Job, nowMs: number): number | undefined {
  const ttl = job.spec?.ttlSecondsAfterFinished;
  const finished = finishedCondition(job);
  if (ttl === undefined || finished === undefined || isDeleting(job)) return undefined;
  return timeOf(finished.lastTransitionTime) + ttl * 1_000 - nowMs;
}

export function createTtlAfterFinishedController(context: ControllerContext): Controller {
  const { client, time, informers } = context;

  async function reconcile(key: string): Promise<Reconciled> {
    const { namespace, name } = splitObjectKey(key);
    const cached = informers.jobs.get(namespace, name);
    if (cached === undefined || expiresInMs(cached, time.now()) === undefined) return undefined;
    try {
      // The cache may be behind a change of the time to live.
      const job = await client.get<Job>(targetOf(resources.jobs, cached));
      const waitMs = expiresInMs(job, time.now());
      if (waitMs === undefined || uidOf(job) !== uidOf(cached)) return undefined;
      if (waitMs > 0) return { requeueAfterMs: waitMs };
      const preconditions = { uid: uidOf(job), resourceVersion: job.metadata?.resourceVersion ?? '' };
      const options = { ...causedBy(resources.jobs, job), preconditions, propagationPolicy: 'Foreground' } as const;
      await client.delete(targetOf(resources.jobs, job), options);
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
    return undefined;
  }

  const controller = createController({
    name: 'ttl-after-finished',
    time,
    random: context.random,
    logger: context.logger,
    waitFor: [informers.jobs],
    reconcile,
  });
  function enqueue(job: Job): void {
    const waitMs = expiresInMs(job, time.now());
    if (waitMs !== undefined) controller.enqueueAfter(keyOf(job), Math.max(0, waitMs));
  }
  informers.jobs.addHandler({ onAdd: enqueue, onUpdate: enqueue });
  return controller;
}
