/** Gives every namespace its `default` ServiceAccount. */
import type { ServiceAccount } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import { keyOf } from '@periplus/client/informer';
import { type Controller, createController, type Reconciled } from '@periplus/client/reconcile';
import type { ControllerContext } from '../shared/controller-context.js';
import { causedBy, isDeleting, namespaceOf } from '../shared/identity.js';
import * as resources from '../shared/resources.js';

const NAME = 'default';

export function createServiceAccountController(context: ControllerContext): Controller {
  const { client, informers } = context;

  async function reconcile(name: string): Promise<Reconciled> {
    const namespace = informers.namespaces.get('', name);
    if (namespace === undefined || isDeleting(namespace)) return undefined;
    if (informers.serviceAccounts.get(name, NAME) !== undefined) return undefined;
    const account: ServiceAccount = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: NAME, namespace: name },
    };
    try {
      const target = { ...resources.serviceAccounts, namespace: name };
      await client.create(target, account, causedBy(resources.namespaces, namespace));
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) throw error;
    }
    return undefined;
  }

  const controller = createController({
    name: 'serviceaccount',
    time: context.time,
    random: context.random,
    logger: context.logger,
    waitFor: [informers.namespaces, informers.serviceAccounts],
    reconcile,
  });
  informers.namespaces.addHandler({
    onAdd: (namespace) => controller.enqueue(keyOf(namespace)),
    onUpdate: (namespace) => controller.enqueue(keyOf(namespace)),
  });
  informers.serviceAccounts.addHandler({
    onDelete(account) {
      if (account.metadata?.name === NAME) controller.enqueue(namespaceOf(account));
    },
  });
  return controller;
}
