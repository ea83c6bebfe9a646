/** Keeps EndpointSlices for Services whose Endpoints somebody else writes. */
import type { Endpoints, EndpointSlice } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import { keyOf, splitObjectKey } from '@periplus/client/informer';
import { type Controller, createController, isOutage, type Reconciled } from '@periplus/client/reconcile';
import { MANAGED_BY_LABEL, SERVICE_NAME_LABEL, type SlicePlan } from '../endpoint-slice/plan.js';
import type { ControllerContext } from '../shared/controller-context.js';
import { causedBy, isDeleting, labelsOf, namespaceOf, targetOf, uidOf } from '../shared/identity.js';
import { createPendingWrites } from '../shared/pending-writes.js';
import * as resources from '../shared/resources.js';
import { BY_SERVICE } from '../shared/shared-informers.js';
import { isMirrored, MIRRORED_BY, planMirror } from './plan.js';

/** The awaited event wakes the key up; this is for the case that it was merged into another. */
const STALE_CACHE_RETRY_MS = 5_000;

export function createEndpointSliceMirroringController(context: ControllerContext): Controller {
  const { client, informers } = context;
  const pending = createPendingWrites(informers.endpointSlices);
  const isOurs = (slice: EndpointSlice): boolean => labelsOf(slice)[MANAGED_BY_LABEL] === MIRRORED_BY;

  function mirrored(namespace: string, name: string): Endpoints | undefined {
    const endpoints = informers.endpoints.get(namespace, name);
    const service = informers.services.get(namespace, name);
    if (endpoints === undefined || service === undefined || isDeleting(endpoints)) return undefined;
    return isMirrored(endpoints, service) ? endpoints : undefined;
  }

  async function slicesOf(namespace: string, name: string, key: string): Promise<EndpointSlice[]> {
    if (!pending.isUnknown(key)) return informers.endpointSlices.byIndex(BY_SERVICE, key).filter(isOurs);
    const target = { ...resources.endpointSlices, namespace };
    const { items } = await client.list<EndpointSlice>(target, { labelSelector: `${SERVICE_NAME_LABEL}=${name}` });
    pending.settle(key);
    return items.filter(isOurs);
  }

  async function apply(key: string, namespace: string, plan: SlicePlan, saying: object): Promise<void> {
    const target = { ...resources.endpointSlices, namespace };
    for (const slice of plan.create) pending.wrote(key, await client.create(target, slice, saying));
    for (const slice of plan.update)
      pending.wrote(key, await client.update(targetOf(resources.endpointSlices, slice), slice, saying));
    for (const slice of plan.delete) {
      const preconditions = { uid: uidOf(slice) };
      try {
        await client.delete(targetOf(resources.endpointSlices, slice), { ...saying, preconditions });
      } catch (error) {
        if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'Conflict')) throw error;
      }
      pending.deleted(key, slice);
    }
  }

  async function reconcile(key: string): Promise<Reconciled> {
    const { namespace, name } = splitObjectKey(key);
    if (!pending.isUnknown(key) && !pending.caughtUp(key)) return { requeueAfterMs: STALE_CACHE_RETRY_MS };
    const endpoints = mirrored(namespace, name);
    const slices = await slicesOf(namespace, name, key);
    const plan = endpoints === undefined ? { create: [], update: [], delete: slices } : planMirror(endpoints, slices);
    try {
      await apply(key, namespace, plan, endpoints === undefined ? {} : causedBy(resources.endpoints, endpoints));
    } catch (error) {
      if (isOutage(error)) pending.unknown(key);
      throw error;
    }
    if (endpoints === undefined && slices.length === 0) pending.forget(key);
    return undefined;
  }

  const controller = createController({
    name: 'endpointslicemirroring',
    time: context.time,
    random: context.random,
    logger: context.logger,
    waitFor: [informers.services, informers.endpoints, informers.endpointSlices],
    reconcile,
  });
  const enqueue = (object: Parameters<typeof keyOf>[0]): void => controller.enqueue(keyOf(object));
  const enqueueServiceOf = (slice: EndpointSlice): void => {
    const service = labelsOf(slice)[SERVICE_NAME_LABEL];
    if (service !== undefined && isOurs(slice)) controller.enqueue(`${namespaceOf(slice)}/${service}`);
  };
  informers.endpoints.addHandler({ onAdd: enqueue, onUpdate: enqueue, onDelete: enqueue });
  informers.services.addHandler({ onAdd: enqueue, onUpdate: enqueue, onDelete: enqueue });
  informers.endpointSlices.addHandler({
    onAdd: enqueueServiceOf,
    onUpdate(slice, old) {
      enqueueServiceOf(old);
      enqueueServiceOf(slice);
    },
    onDelete: enqueueServiceOf,
  });
  return controller;
}
