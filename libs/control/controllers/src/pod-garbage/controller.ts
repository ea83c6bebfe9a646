/** Removes, every twenty seconds, the pods that nobody else will. */
import type { Pod } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import { type Controller, createController, type Reconciled } from '@periplus/client/reconcile';
import type { ControllerContext } from '../shared/controller-context.js';
import { markDisrupted } from '../shared/disruption.js';
import { causedBy, targetOf, uidOf } from '../shared/identity.js';
import { isTerminated } from '../shared/pod-state.js';
import * as resources from '../shared/resources.js';
import { planPodGarbage, trackMissing } from './plan.js';

const PERIOD_MS = 20_000;
/** Upstream's default. */
const TERMINATED_THRESHOLD = 12_500;
/** The one key: all pods are looked at together. */
const ALL = 'all';

export function createPodGarbageController(context: ControllerContext): Controller {
  const { client, informers, time } = context;
  let missingSince: ReadonlyMap<string, number> = new Map();

  async function remove(pod: Pod): Promise<void> {
    try {
      const preconditions = { uid: uidOf(pod) };
      const options = { ...causedBy(resources.pods, pod), gracePeriodSeconds: 0, preconditions };
      await client.delete(targetOf(resources.pods, pod), options);
    } catch (error) {
      if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'Conflict')) throw error;
    }
  }

  async function nodeIsGone(name: string): Promise<boolean> {
    try {
      await client.get({ ...resources.nodes, namespace: '', name });
      return false;
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return true;
      throw error;
    }
  }

  async function removeOrphans(pods: readonly Pod[]): Promise<void> {
    const gone = new Map<string, boolean>();
    for (const pod of pods) {
      const node = pod.spec?.nodeName ?? '';
      if (!gone.has(node)) gone.set(node, await nodeIsGone(node));
      if (!gone.get(node)) continue;
      const disruption = {
        reason: 'DeletionByPodGC',
        message: 'PodGC: node no longer exists',
        ...(isTerminated(pod) ? {} : { phase: 'Failed' }),
      };
      const marked = await markDisrupted(client, pod, disruption, causedBy(resources.pods, pod), time.now());
      if (marked !== undefined) await remove(pod);
    }
  }

  /** Who holds it by a finalizer, as a Job does until it has counted it, has to see that it is over. */
  async function endUnscheduled(pod: Pod): Promise<void> {
    if (!isTerminated(pod)) {
      const failed: Pod = { ...pod, status: { ...pod.status, phase: 'Failed' } };
      try {
        await client.update(targetOf(resources.pods, pod, 'status'), failed, causedBy(resources.pods, pod));
      } catch (error) {
        if (isStatusError(error, 'NotFound')) return;
        throw error;
      }
    }
    await remove(pod);
  }

  async function reconcile(): Promise<Reconciled> {
    const pods = informers.pods.list();
    const exists = (name: string): boolean => informers.nodes.get('', name) !== undefined;
    missingSince = trackMissing(missingSince, pods, exists, time.monotonic());
    const garbage = planPodGarbage(pods, missingSince, TERMINATED_THRESHOLD, time.monotonic());
    for (const pod of garbage.terminated) await remove(pod);
    for (const pod of garbage.unscheduled) await endUnscheduled(pod);
    await removeOrphans(garbage.orphaned);
    return { requeueAfterMs: PERIOD_MS };
  }

  const controller = createController({
    name: 'pod-garbage-collector',
    time,
    random: context.random,
    logger: context.logger,
    concurrency: 1,
    backoff: { initialMs: PERIOD_MS, maxMs: PERIOD_MS, jitter: 0.1 },
    waitFor: [informers.pods, informers.nodes],
    reconcile,
  });
  controller.enqueue(ALL);
  return controller;
}
