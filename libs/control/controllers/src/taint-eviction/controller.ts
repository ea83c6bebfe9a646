/** Takes pods off nodes whose NoExecute taints they don't tolerate, or not for longer. */
import { isStatusError } from '@periplus/api/meta';
import { keyOf, splitObjectKey } from '@periplus/client/informer';
import { type Controller, createController, type Reconciled } from '@periplus/client/reconcile';
import type { ControllerContext } from '../shared/controller-context.js';
import { markDisrupted } from '../shared/disruption.js';
import { causedBy, isDeleting, nameOf, targetOf, uidOf } from '../shared/identity.js';
import { isTerminated } from '../shared/pod-state.js';
import * as resources from '../shared/resources.js';
import { BY_NODE } from '../shared/shared-informers.js';
import { planEviction } from './plan.js';

export function createTaintEvictionController(context: ControllerContext): Controller {
  const { client, informers, time } = context;
  const events = context.events('taint-eviction-controller');
  /** When a pod was first seen on a node with evicting taints; by uid. */
  const seenAt = new Map<string, number>();

  async function reconcile(key: string): Promise<Reconciled> {
    const { namespace, name } = splitObjectKey(key);
    const pod = informers.pods.get(namespace, name);
    if (pod === undefined || isDeleting(pod) || isTerminated(pod)) return undefined;
    const node = informers.nodes.get('', pod.spec?.nodeName ?? '');
    const taints = (node?.spec?.taints ?? []).filter((taint) => taint.effect === 'NoExecute');
    if (node === undefined || taints.length === 0) {
      if (seenAt.delete(uidOf(pod)))
        events.record(pod, 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${key}`);
      return undefined;
    }
    const since = seenAt.get(uidOf(pod)) ?? time.now();
    const plan = planEviction(pod, taints, since);
    if (plan.kind === 'stay') {
      seenAt.delete(uidOf(pod));
      return undefined;
    }
    seenAt.set(uidOf(pod), since);
    if (plan.atMs > time.now()) return { requeueAfterMs: plan.atMs - time.now() };
    events.record(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`);
    const saying = causedBy(resources.nodes, node);
    const disruption = { reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint' };
    const marked = await markDisrupted(client, pod, disruption, saying, time.now());
    if (marked === undefined) return undefined;
    try {
      await client.delete(targetOf(resources.pods, pod), { ...saying, preconditions: { uid: uidOf(pod) } });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
    seenAt.delete(uidOf(pod));
    return undefined;
  }

  const controller = createController({
    name: 'taint-eviction',
    time,
    random: context.random,
    logger: context.logger,
    waitFor: [informers.nodes, informers.pods],
    reconcile,
  });
  informers.pods.addHandler({
    onAdd: (pod) => controller.enqueue(keyOf(pod)),
    onUpdate(pod, old) {
      const moved = pod.spec?.nodeName !== old.spec?.nodeName;
      const tolerant = JSON.stringify(pod.spec?.tolerations) !== JSON.stringify(old.spec?.tolerations);
      if (moved || tolerant) controller.enqueue(keyOf(pod));
    },
    onDelete: (pod) => void seenAt.delete(uidOf(pod)),
  });
  informers.nodes.addHandler({
    onAdd(node) {
      for (const pod of informers.pods.byIndex(BY_NODE, nameOf(node))) controller.enqueue(keyOf(pod));
    },
    onUpdate(node, old) {
      if (JSON.stringify(node.spec?.taints) === JSON.stringify(old.spec?.taints)) return;
      for (const pod of informers.pods.byIndex(BY_NODE, nameOf(node))) controller.enqueue(keyOf(pod));
    },
  });
  return controller;
}
