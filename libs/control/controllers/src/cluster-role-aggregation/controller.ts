/** Keeps the rules of aggregated ClusterRoles up to date with the roles they are made of. */
import type { ClusterRole } from '@periplus/api/kinds';
import { keyOf } from '@periplus/client/informer';
import { type Controller, createController, type Reconciled } from '@periplus/client/reconcile';
import type { ControllerContext } from '../shared/controller-context.js';
import { causedBy, targetOf } from '../shared/identity.js';
import * as resources from '../shared/resources.js';
import { planAggregation } from './plan.js';

export function createClusterRoleAggregationController(context: ControllerContext): Controller {
  const { client, informers } = context;

  async function reconcile(name: string): Promise<Reconciled> {
    const role = informers.clusterRoles.get('', name);
    if (role?.aggregationRule === undefined) return undefined;
    const rules = planAggregation(role, informers.clusterRoles.list());
    if (rules === undefined) return undefined;
    const updated: ClusterRole = { ...role, rules };
    await client.update(targetOf(resources.clusterRoles, role), updated, causedBy(resources.clusterRoles, role));
    return undefined;
  }

  const controller = createController({
    name: 'clusterrole-aggregation',
    time: context.time,
    random: context.random,
    logger: context.logger,
    waitFor: [informers.clusterRoles],
    reconcile,
  });
  /** Any role may be a part of any aggregated one; there are few of those. */
  const enqueueAggregated = (): void => {
    for (const role of informers.clusterRoles.list())
      if (role.aggregationRule !== undefined) controller.enqueue(keyOf(role));
  };
  informers.clusterRoles.addHandler({
    onAdd: enqueueAggregated,
    onUpdate: enqueueAggregated,
    onDelete: enqueueAggregated,
  });
  return controller;
}
