/** Keeps one pod of a DaemonSet on each node that it selects. */
import {
  type ControllerRevision,
  type DaemonSet,
  type DaemonSetStatus,
  type Node,
  type Pod,
  sameJson,
} from '@periplus/api/kinds';
import { toLabelSelector } from '@periplus/api/meta';
import { keyOf, splitObjectKey } from '@periplus/client/informer';
import { type Controller, createController, type Reconciled } from '@periplus/client/reconcile';
import { claim, type Owner } from '../shared/claims.js';
import type { ControllerContext } from '../shared/controller-context.js';
import { newControllerRef, orphansIn } from '../shared/controller-ref.js';
import { type Owners, readSelector, watchDependents, watchOwners } from '../shared/dependents-watch.js';
import { deleteRevisions, expiredRevisions, presentRevision, REVISION_LABEL } from '../shared/history.js';
import { causedBy, isDeleting, labelsOf, nameOf, namespaceOf, targetOf, uidOf } from '../shared/identity.js';
import { createPendingWrites } from '../shared/pending-writes.js';
import { createPodControl, ManageError, type ManageFailure } from '../shared/pod-control.js';
import * as resources from '../shared/resources.js';
import { BY_CONTROLLER } from '../shared/shared-informers.js';
import { createEndedPodBackoff } from './ended-pods.js';
import { daemonPod, nodeOf } from './placement.js';
import { type DaemonWorld, nextDaemonMs, planDaemons, planDaemonStatus } from './plan.js';

/** The awaited event wakes the key up; this is for the case that it was merged into another. */
const STALE_CACHE_RETRY_MS = 5_000;

export function createDaemonSetController(context: ControllerContext): Controller {
  const { client, time, informers } = context;
  const events = context.events('daemonset-controller');
  const podWrites = createPendingWrites(informers.pods);
  const revisionWrites = createPendingWrites(informers.controllerRevisions);
  const podControl = createPodControl(context, events, resources.daemonSets, podWrites);
  const backoff = createEndedPodBackoff(time);
  const uids = new Map<string, string>();

  const ownerOf = (object: DaemonSet): Owner => ({
    object,
    resource: resources.daemonSets,
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
  });

  function revisionsBeside(daemonSet: DaemonSet): ControllerRevision[] {
    const { controllerRevisions } = informers;
    return [
      ...controllerRevisions.byIndex(BY_CONTROLLER, uidOf(daemonSet)),
      ...controllerRevisions.byIndex(BY_CONTROLLER, orphansIn(namespaceOf(daemonSet))),
    ];
  }

  /** Those of the ended pods that may go now, and when the next may. */
  function dueEnded(daemonSet: DaemonSet, ended: readonly Pod[]): { due: Pod[]; waitMs: number } {
    const due: Pod[] = [];
    let waitMs = Infinity;
    for (const pod of ended) {
      const node = nodeOf(pod) ?? '';
      const wait = backoff.waitMs(uidOf(daemonSet), node);
      if (wait > 0) {
        waitMs = Math.min(waitMs, wait);
        continue;
      }
      due.push(pod);
      const phase = pod.status?.phase === 'Failed' ? 'failed' : 'succeeded';
      const [type, reason] =
        phase === 'failed' ? (['Warning', 'FailedDaemonPod'] as const) : (['Normal', 'SucceededDaemonPod'] as const);
      const intent = phase === 'failed' ? 'will try to kill it' : 'will try to delete it';
      events.record(
        daemonSet,
        type,
        reason,
        `Found ${phase} daemon pod ${namespaceOf(pod)}/${nameOf(pod)} on node ${node}, ${intent}`,
      );
    }
    return { due, waitMs };
  }

  async function carryOut(
    world: DaemonWorld,
    key: string,
  ): Promise<{ failure: ManageFailure | undefined; waitMs: number }> {
    const { daemonSet, hash } = world;
    const plan = planDaemons(world);
    const { due, waitMs } = dueEnded(daemonSet, plan.ended);
    const deletion = await podControl.delete(daemonSet, key, [...plan.delete, ...due]);
    const reference = newControllerRef(daemonSet, 'apps/v1', 'DaemonSet');
    const pods = plan.create.map((node) => daemonPod(daemonSet, reference, node, hash));
    const creation = await podControl.create(daemonSet, key, pods);
    return { failure: deletion ?? creation, waitMs };
  }

  async function writeStatus(daemonSet: DaemonSet, status: DaemonSetStatus): Promise<void> {
    if (sameJson(daemonSet.status, status)) return;
    const updated: DaemonSet = { ...daemonSet, status };
    await client.update(
      targetOf(resources.daemonSets, daemonSet, 'status'),
      updated,
      causedBy(resources.daemonSets, daemonSet),
    );
  }

  function forget(key: string): void {
    podWrites.forget(key);
    revisionWrites.forget(key);
    backoff.forget(uids.get(key) ?? '');
    uids.delete(key);
  }

  async function reconcile(key: string): Promise<Reconciled> {
    const { namespace, name } = splitObjectKey(key);
    const daemonSet = informers.daemonSets.get(namespace, name);
    if (daemonSet === undefined) {
      forget(key);
      return undefined;
    }
    uids.set(key, uidOf(daemonSet));
    const selector = toLabelSelector(daemonSet.spec?.selector);
    const template = daemonSet.spec?.template;
    if (!selector.ok || template === undefined) return undefined;
    if (!revisionWrites.caughtUp(key)) return { requeueAfterMs: STALE_CACHE_RETRY_MS };
    const mayManage = podWrites.isUnknown(key) || podWrites.caughtUp(key);
    const owner = ownerOf(daemonSet);
    const pods = await claim(
      client,
      owner,
      selector.value,
      resources.pods,
      await podControl.candidates(daemonSet, key),
    );
    const revisions = await claim(
      client,
      owner,
      selector.value,
      resources.controllerRevisions,
      revisionsBeside(daemonSet),
    );
    if (isDeleting(daemonSet)) return undefined;
    const { revision, collisionCount } = await presentRevision({
      client,
      owner,
      template,
      revisions,
      collisionCount: daemonSet.status?.collisionCount ?? 0,
      hashLabel: REVISION_LABEL,
    });
    revisionWrites.wrote(key, revision);
    const hash = labelsOf(revision)[REVISION_LABEL] ?? '';
    const world = { daemonSet, nodes: informers.nodes.list(), pods, hash, nowMs: time.now() };
    const outcome = mayManage ? await carryOut(world, key) : { failure: undefined, waitMs: STALE_CACHE_RETRY_MS };
    const running = new Set(pods.map((pod) => labelsOf(pod)[REVISION_LABEL]));
    const isNeeded = (one: ControllerRevision): boolean =>
      uidOf(one) === uidOf(revision) || running.has(labelsOf(one)[REVISION_LABEL]);
    await deleteRevisions(
      client,
      owner,
      expiredRevisions(revisions, daemonSet.spec?.revisionHistoryLimit ?? 10, isNeeded),
    );
    await writeStatus(daemonSet, planDaemonStatus(world, collisionCount));
    if (outcome.failure !== undefined) throw new ManageError(outcome.failure);
    const waitMs = Math.min(outcome.waitMs, nextDaemonMs(world) ?? Infinity);
    return waitMs === Infinity ? undefined : { requeueAfterMs: waitMs };
  }

  const controller = createController({
    name: 'daemonset',
    time,
    random: context.random,
    logger: context.logger,
    waitFor: [informers.daemonSets, informers.pods, informers.nodes, informers.controllerRevisions],
    reconcile,
  });

  function enqueueAll(): void {
    for (const daemonSet of informers.daemonSets.list()) controller.enqueue(keyOf(daemonSet));
  }
  const attracts = (node: Node): unknown => [node.metadata?.labels, node.spec?.taints];

  const owners: Owners<DaemonSet> = {
    kind: 'DaemonSet',
    informer: informers.daemonSets,
    selectorOf: ({ spec }) => readSelector(spec?.selector),
    enqueue: (key) => controller.enqueue(key),
  };
  watchOwners(owners);
  watchDependents(owners, informers.pods);
  watchDependents(owners, informers.controllerRevisions);
  informers.nodes.addHandler({
    onAdd: enqueueAll,
    onUpdate(node, old) {
      if (!sameJson(attracts(node), attracts(old))) enqueueAll();
    },
    onDelete: enqueueAll,
  });
  return controller;
}
