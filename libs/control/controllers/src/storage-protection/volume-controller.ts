/** Lets PersistentVolumes go when no claim is bound to them any more. */
import type { PersistentVolume } from '@periplus/api/kinds';
import { keyOf, splitObjectKey } from '@periplus/client/informer';
import { type Controller, createController, type Reconciled } from '@periplus/client/reconcile';
import type { ControllerContext } from '../shared/controller-context.js';
import { isDeleting } from '../shared/identity.js';
import * as resources from '../shared/resources.js';
import { removeFinalizer } from './remove-finalizer.js';

const FINALIZER = 'kubernetes.io/pv-protection';

function mayGo(volume: PersistentVolume): boolean {
  const held = (volume.metadata?.finalizers ?? []).includes(FINALIZER);
  return isDeleting(volume) && held && volume.status?.phase !== 'Bound';
}

export function createVolumeProtectionController(context: ControllerContext): Controller {
  const { persistentVolumes } = context.informers;

  async function reconcile(key: string): Promise<Reconciled> {
    const volume = persistentVolumes.get('', splitObjectKey(key).name);
    if (volume !== undefined && mayGo(volume))
      await removeFinalizer(context.client, resources.persistentVolumes, volume, FINALIZER);
    return undefined;
  }

  const controller = createController({
    name: 'pv-protection',
    time: context.time,
    random: context.random,
    logger: context.logger,
    waitFor: [persistentVolumes],
    reconcile,
  });
  const enqueue = (volume: PersistentVolume): void => {
    if (mayGo(volume)) controller.enqueue(keyOf(volume));
  };
  persistentVolumes.addHandler({ onAdd: enqueue, onUpdate: enqueue });
  return controller;
}
