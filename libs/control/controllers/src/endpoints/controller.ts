/** Keeps the Endpoints objects of Services with a selector. */
import { isStatusError } from '@periplus/api/meta';
import { keyOf, splitObjectKey } from '@periplus/client/informer';
import { type Controller, createController, type Reconciled } from '@periplus/client/reconcile';
import { selectsPods } from '../endpoint-slice/service-pods.js';
import { podsSelectedBy, watchServices } from '../endpoint-slice/service-watch.js';
import type { ControllerContext } from '../shared/controller-context.js';
import { causedBy, labelsOf, nameOf, namespaceOf, targetOf, uidOf } from '../shared/identity.js';
import * as resources from '../shared/resources.js';
import { MANAGED_BY_LABEL, planEndpoints } from './plan.js';

export function createEndpointsController(context: ControllerContext): Controller {
  const { client, informers } = context;

  /** A Service that is gone takes its Endpoints along: they have no owner reference, as upstream's have none. */
  async function remove(namespace: string, name: string): Promise<void> {
    const present = informers.endpoints.get(namespace, name);
    if (present === undefined) return;
    try {
      const preconditions = { uid: uidOf(present) };
      await client.delete(targetOf(resources.endpoints, present), {
        ...causedBy(resources.endpoints, present),
        preconditions,
      });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }

  async function reconcile(key: string): Promise<Reconciled> {
    const { namespace, name } = splitObjectKey(key);
    const service = informers.services.get(namespace, name);
    if (service === undefined) {
      await remove(namespace, name);
      return undefined;
    }
    if (!selectsPods(service)) return undefined;
    const present = informers.endpoints.get(namespace, name);
    const wanted = planEndpoints(service, podsSelectedBy(service, informers), present);
    if (wanted === undefined) return undefined;
    const saying = causedBy(resources.services, service);
    if (present === undefined) await client.create({ ...resources.endpoints, namespace }, wanted, saying);
    else await client.update(targetOf(resources.endpoints, wanted), wanted, saying);
    return undefined;
  }

  const controller = createController({
    name: 'endpoints',
    time: context.time,
    random: context.random,
    logger: context.logger,
    waitFor: [informers.services, informers.pods, informers.endpoints],
    reconcile,
  });
  watchServices(informers, controller.enqueue);
  informers.endpoints.addHandler({
    /** Those left over from a Service that went while nobody looked. */
    onAdd(present) {
      if (labelsOf(present)[MANAGED_BY_LABEL] !== undefined) controller.enqueue(keyOf(present));
    },
    onUpdate(present) {
      if (informers.services.get(namespaceOf(present), nameOf(present)) !== undefined)
        controller.enqueue(keyOf(present));
    },
    onDelete: (present) => controller.enqueue(keyOf(present)),
  });
  return controller;
}
