/** Takes back the condition that a pod is to be disrupted when nobody deleted it. KEP-3329. */
import type { Pod } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import { formatTime } from '@periplus/base/clock';
import { keyOf, splitObjectKey } from '@periplus/client/informer';
import { type Controller, createController, type Reconciled } from '@periplus/client/reconcile';
import type { ControllerContext } from '../shared/controller-context.js';
import { causedBy, isDeleting, targetOf, timeOf } from '../shared/identity.js';
import { isTerminated, podCondition } from '../shared/pod-state.js';
import * as resources from '../shared/resources.js';
import { DELETION_TIMEOUT_MS } from './plan.js';

/** How long the pod still has to be deleted; undefined when nothing of the kind is awaited. */
function leftMs(pod: Pod, nowMs: number): number | undefined {
  if (isDeleting(pod) || isTerminated(pod)) return undefined;
  const condition = podCondition(pod, 'DisruptionTarget');
  if (condition?.status !== 'True') return undefined;
  return Math.max(0, timeOf(condition.lastTransitionTime) + DELETION_TIMEOUT_MS - nowMs);
}

export function createStaleConditionController(context: ControllerContext): Controller {
  const { client, time, informers } = context;

  async function reconcile(key: string): Promise<Reconciled> {
    const { namespace, name } = splitObjectKey(key);
    const pod = informers.pods.get(namespace, name);
    const left = pod && leftMs(pod, time.now());
    if (pod === undefined || left === undefined) return undefined;
    if (left > 0) return { requeueAfterMs: left };
    const conditions = (pod.status?.conditions ?? []).map((condition) =>
      condition.type === 'DisruptionTarget'
        ? { ...condition, status: 'False', lastTransitionTime: formatTime(time.now()) }
        : condition,
    );
    const updated: Pod = { ...pod, status: { ...pod.status, conditions } };
    try {
      await client.update(targetOf(resources.pods, pod, 'status'), updated, causedBy(resources.pods, pod));
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
    return undefined;
  }

  const controller = createController({
    name: 'stale-pod-disruption',
    time,
    random: context.random,
    logger: context.logger,
    waitFor: [informers.pods],
    reconcile,
  });
  function enqueue(pod: Pod): void {
    if (leftMs(pod, time.now()) !== undefined) controller.enqueue(keyOf(pod));
  }
  informers.pods.addHandler({ onAdd: enqueue, onUpdate: enqueue });
  return controller;
}
