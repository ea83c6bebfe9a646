/** Works out what PodDisruptionBudgets allow, from which evictions are paid. */
import {
  type Pod,
  type PodDisruptionBudget,
  type PodDisruptionBudgetStatus,
  sameJson,
  type SchemaTable,
} from '@periplus/api/kinds';
import { type LabelSelector, matchesLabels } from '@periplus/api/meta';
import { keyOf, splitObjectKey } from '@periplus/client/informer';
import { type Controller, createController, type Reconciled } from '@periplus/client/reconcile';
import type { ControllerContext } from '../shared/controller-context.js';
import { readSelector } from '../shared/dependents-watch.js';
import { causedBy, isDeleting, labelsOf, namespaceOf, targetOf } from '../shared/identity.js';
import * as resources from '../shared/resources.js';
import { budgetStatus, disruptedOf, expectationOf, failedStatus, needsScales } from './plan.js';
import { createWantedReplicas, namesOf } from './wanted-replicas.js';

export function createDisruptionController(context: ControllerContext, table: SchemaTable): Controller {
  const { client, time, informers } = context;
  const { podDisruptionBudgets } = informers;
  const events = context.events('controllermanager');
  const wantedReplicas = createWantedReplicas(context, table);

  /** No selector selects nothing, an empty one everything. */
  function selectorOf({ spec }: PodDisruptionBudget): LabelSelector | undefined {
    return spec?.selector === undefined ? undefined : readSelector(spec.selector);
  }

  async function writeStatus(budget: PodDisruptionBudget, status: PodDisruptionBudgetStatus): Promise<boolean> {
    if (sameJson(budget.status, status)) return false;
    const updated: PodDisruptionBudget = { ...budget, status };
    const target = targetOf(resources.podDisruptionBudgets, budget, 'status');
    await client.update(target, updated, causedBy(resources.podDisruptionBudgets, budget));
    return true;
  }

  async function reconcile(key: string): Promise<Reconciled> {
    const { namespace, name } = splitObjectKey(key);
    const budget = podDisruptionBudgets.get(namespace, name);
    if (budget === undefined || isDeleting(budget)) return undefined;
    const selector = selectorOf(budget);
    const pods =
      selector === undefined
        ? []
        : informers.pods.list(namespace).filter((pod) => matchesLabels(selector, labelsOf(pod)));
    const wanted = needsScales(budget)
      ? await wantedReplicas(pods)
      : { ok: true as const, replicas: 0, unmanaged: [] as readonly Pod[] };
    if (!wanted.ok) {
      if (await writeStatus(budget, failedStatus(budget, wanted.message, time.now())))
        events.record(
          budget,
          'Warning',
          'CalculateExpectedPodCountFailed',
          `Failed to calculate the number of expected pods: ${wanted.message}`,
        );
      return undefined;
    }
    const disrupted = disruptedOf(budget, pods, time.now());
    for (const pod of disrupted.overdue)
      events.record(
        pod,
        'Warning',
        'NotDeleted',
        `Pod was expected by PDB ${namespace}/${name} to be deleted but it wasn't`,
      );
    const expectation = expectationOf(budget, pods, wanted.replicas);
    const written = await writeStatus(budget, budgetStatus(budget, pods, expectation, disrupted, time.now()));
    if (written && pods.length === 0) events.record(budget, 'Normal', 'NoPods', 'No matching pods found');
    if (written && wanted.unmanaged.length > 0)
      events.record(
        budget,
        'Warning',
        'UnmanagedPods',
        `Pods that the budget selects have no controller, so that how many there should be is not known: ${namesOf(wanted.unmanaged)}`,
      );
    return disrupted.waitMs === Infinity ? undefined : { requeueAfterMs: disrupted.waitMs };
  }

  const controller = createController({
    name: 'disruption',
    time,
    random: context.random,
    logger: context.logger,
    waitFor: [
      podDisruptionBudgets,
      informers.pods,
      informers.replicaSets,
      informers.deployments,
      informers.statefulSets,
      informers.replicationControllers,
    ],
    reconcile,
  });

  const enqueue = (budget: PodDisruptionBudget): void => controller.enqueue(keyOf(budget));
  function enqueueBudgetsOf(...states: readonly Pod[]): void {
    const [pod] = states;
    if (pod === undefined) return;
    for (const budget of podDisruptionBudgets.list(namespaceOf(pod))) {
      const selector = selectorOf(budget);
      if (selector !== undefined && states.some((state) => matchesLabels(selector, labelsOf(state)))) enqueue(budget);
    }
  }
  podDisruptionBudgets.addHandler({ onAdd: enqueue, onUpdate: enqueue });
  informers.pods.addHandler({
    onAdd: (pod) => enqueueBudgetsOf(pod),
    onUpdate: (pod, old) => enqueueBudgetsOf(pod, old),
    onDelete: (pod) => enqueueBudgetsOf(pod),
  });
  return controller;
}
