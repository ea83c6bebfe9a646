/** Lets pods go that wait to be counted by a Job that is gone, over, or no longer theirs. */
import type { Job, Pod } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import { keyOf, splitObjectKey } from '@periplus/client/informer';
import { type Controller, createController, type Reconciled } from '@periplus/client/reconcile';
import type { ControllerContext } from '../shared/controller-context.js';
import { controllerRefOf } from '../shared/controller-ref.js';
import { causedBy, namespaceOf, uidOf } from '../shared/identity.js';
import * as resources from '../shared/resources.js';
import { BY_CONTROLLER } from '../shared/shared-informers.js';
import { isTracked } from './job-pods.js';
import { releasePod } from './tracking.js';
import { finishedCondition } from './verdict.js';

export function createJobOrphanController(context: ControllerContext): Controller {
  const { client, informers } = context;

  /** By the cache; the server is asked before a pod is let go. */
  function isCountedOn(pod: Pod, find: (name: string) => Job | undefined): boolean {
    const reference = controllerRefOf(pod);
    if (reference === undefined) return false;
    if (reference.kind !== 'Job' || !reference.apiVersion?.startsWith('batch/')) return true;
    const job = find(reference.name ?? '');
    return job !== undefined && uidOf(job) === reference.uid && finishedCondition(job) === undefined;
  }

  const cachedJob = (pod: Pod) => (name: string) => informers.jobs.get(namespaceOf(pod), name);

  async function liveJob(pod: Pod): Promise<Job | undefined> {
    const name = controllerRefOf(pod)?.name;
    if (name === undefined) return undefined;
    try {
      return await client.get<Job>({ ...resources.jobs, namespace: namespaceOf(pod), name });
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  async function reconcile(key: string): Promise<Reconciled> {
    const { namespace, name } = splitObjectKey(key);
    const pod = informers.pods.get(namespace, name);
    if (pod === undefined || !isTracked(pod) || isCountedOn(pod, cachedJob(pod))) return undefined;
    const job = await liveJob(pod);
    if (!isCountedOn(pod, () => job)) await releasePod(client, pod, causedBy(resources.pods, pod));
    return undefined;
  }

  const controller = createController({
    name: 'job-orphan-pod',
    time: context.time,
    random: context.random,
    logger: context.logger,
    waitFor: [informers.jobs, informers.pods],
    reconcile,
  });

  function enqueue(pod: Pod): void {
    if (isTracked(pod) && !isCountedOn(pod, cachedJob(pod))) controller.enqueue(keyOf(pod));
  }
  function enqueuePodsOf(job: Job): void {
    for (const pod of informers.pods.byIndex(BY_CONTROLLER, uidOf(job))) enqueue(pod);
  }
  informers.pods.addHandler({ onAdd: enqueue, onUpdate: enqueue });
  informers.jobs.addHandler({ onUpdate: enqueuePodsOf, onDelete: enqueuePodsOf });
  return controller;
}
