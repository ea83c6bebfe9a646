/** Keeps the EndpointSlices of Services with a selector. */
import type { EndpointSlice, Service } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import { splitObjectKey } from '@periplus/client/informer';
import { type Controller, createController, isOutage, isRace, type Reconciled } from '@periplus/client/reconcile';
import type { ControllerContext } from '../shared/controller-context.js';
import { causedBy, isDeleting, labelsOf, namespaceOf, targetOf, uidOf } from '../shared/identity.js';
import { createPendingWrites } from '../shared/pending-writes.js';
import * as resources from '../shared/resources.js';
import { BY_SERVICE } from '../shared/shared-informers.js';
import { MANAGED_BY, MANAGED_BY_LABEL, planSlices, SERVICE_NAME_LABEL } from './plan.js';
import { selectsPods } from './service-pods.js';
import { podsSelectedBy, watchServices, ZONE_LABEL } from './service-watch.js';

/** The awaited event wakes the key up; this is for the case that it was merged into another. */
const STALE_CACHE_RETRY_MS = 5_000;

export function createEndpointSliceController(context: ControllerContext): Controller {
  const { client, informers } = context;
  const events = context.events('endpoint-slice-controller');
  const pending = createPendingWrites(informers.endpointSlices);
  const isOurs = (slice: EndpointSlice): boolean => labelsOf(slice)[MANAGED_BY_LABEL] === MANAGED_BY;

  async function slicesOf(service: Service, key: string): Promise<EndpointSlice[]> {
    if (!pending.isUnknown(key)) return informers.endpointSlices.byIndex(BY_SERVICE, key).filter(isOurs);
    const target = { ...resources.endpointSlices, namespace: namespaceOf(service) };
    const labelSelector = `${SERVICE_NAME_LABEL}=${service.metadata?.name}`;
    const { items } = await client.list<EndpointSlice>(target, { labelSelector });
    pending.settle(key);
    return items.filter(isOurs);
  }

  async function apply(service: Service, key: string, slices: EndpointSlice[]): Promise<void> {
    const plan = planSlices({
      service,
      pods: podsSelectedBy(service, informers),
      slices,
      zoneOf: (nodeName) => labelsOf(informers.nodes.get('', nodeName) ?? {})[ZONE_LABEL],
    });
    const saying = causedBy(resources.services, service);
    const target = { ...resources.endpointSlices, namespace: namespaceOf(service) };
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
    const service = informers.services.get(namespace, name);
    if (service === undefined || !selectsPods(service) || isDeleting(service)) {
      pending.forget(key);
      return undefined;
    }
    if (!pending.isUnknown(key) && !pending.caughtUp(key)) return { requeueAfterMs: STALE_CACHE_RETRY_MS };
    const slices = await slicesOf(service, key);
    try {
      await apply(service, key, slices);
    } catch (error) {
      if (isOutage(error)) pending.unknown(key);
      else if (!isRace(error)) {
        const message = `Error updating Endpoint Slices for Service ${key}: ${String(error)}`;
        events.record(service, 'Warning', 'FailedToUpdateEndpointSlices', message);
      }
      throw error;
    }
    return undefined;
  }

  const controller = createController({
    name: 'endpointslice',
    time: context.time,
    random: context.random,
    logger: context.logger,
    waitFor: [informers.services, informers.pods, informers.endpointSlices, informers.nodes],
    reconcile,
  });
  watchServices(informers, controller.enqueue);
  const enqueueServiceOf = (slice: EndpointSlice): void => {
    const service = labelsOf(slice)[SERVICE_NAME_LABEL];
    if (service !== undefined && isOurs(slice)) controller.enqueue(`${namespaceOf(slice)}/${service}`);
  };
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
