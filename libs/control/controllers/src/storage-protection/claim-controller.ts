/** Lets PersistentVolumeClaims go when no pod uses them any more. */
import type { PersistentVolumeClaim, Pod } from '@periplus/api/kinds';
import { keyOf, splitObjectKey } from '@periplus/client/informer';
import { type Controller, createController, type Reconciled } from '@periplus/client/reconcile';
import type { ControllerContext } from '../shared/controller-context.js';
import { isDeleting, nameOf, namespaceOf } from '../shared/identity.js';
import { isTerminated } from '../shared/pod-state.js';
import * as resources from '../shared/resources.js';
import { removeFinalizer } from './remove-finalizer.js';

const FINALIZER = 'kubernetes.io/pvc-protection';

/** Names of the claims that a pod mounts; an ephemeral volume's claim has the pod's name and the volume's. */
function claimsOf(pod: Pod): string[] {
  return (pod.spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim !== undefined) return [persistentVolumeClaim.claimName];
    return ephemeral === undefined ? [] : [`${nameOf(pod)}-${name}`];
  });
}

/** A pod that no node has does not hold a claim: it will find that it is gone. */
function uses(pod: Pod, claim: string): boolean {
  return Boolean(pod.spec?.nodeName) && !isTerminated(pod) && claimsOf(pod).includes(claim);
}

export function createClaimProtectionController(context: ControllerContext): Controller {
  const { client, informers } = context;
  const isLeaving = (claim: PersistentVolumeClaim | undefined): boolean =>
    claim !== undefined && isDeleting(claim) && (claim.metadata?.finalizers ?? []).includes(FINALIZER);

  async function reconcile(key: string): Promise<Reconciled> {
    const { namespace, name } = splitObjectKey(key);
    const claim = informers.persistentVolumeClaims.get(namespace, name);
    if (claim === undefined || !isLeaving(claim)) return undefined;
    if (informers.pods.list(namespace).some((pod) => uses(pod, name))) return undefined;
    // The cache may not have the newest pod yet, and what is deleted with its data does not come back.
    const { items } = await client.list<Pod>({ ...resources.pods, namespace });
    if (!items.some((pod) => uses(pod, name)))
      await removeFinalizer(client, resources.persistentVolumeClaims, claim, FINALIZER);
    return undefined;
  }

  const controller = createController({
    name: 'pvc-protection',
    time: context.time,
    random: context.random,
    logger: context.logger,
    waitFor: [informers.persistentVolumeClaims, informers.pods],
    reconcile,
  });
  const enqueue = (claim: PersistentVolumeClaim): void => {
    if (isLeaving(claim)) controller.enqueue(keyOf(claim));
  };
  function enqueueClaimsOf(pod: Pod): void {
    for (const name of claimsOf(pod))
      if (isLeaving(informers.persistentVolumeClaims.get(namespaceOf(pod), name)))
        controller.enqueue(`${namespaceOf(pod)}/${name}`);
  }
  informers.persistentVolumeClaims.addHandler({ onAdd: enqueue, onUpdate: enqueue });
  informers.pods.addHandler({ onUpdate: enqueueClaimsOf, onDelete: enqueueClaimsOf });
  return controller;
}
