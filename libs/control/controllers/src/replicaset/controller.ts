/** Keeps as many pods as a ReplicaSet or ReplicationController asks for. */
import type { ReplicaSet, ReplicaSetStatus, ReplicationController } from '@periplus/api/kinds';
import { type GroupVersionResource, type LabelSelector, labelSelectorOf } from '@periplus/api/meta';
import type { Informer } from '@periplus/client/informer';
import { splitObjectKey } from '@periplus/client/informer';
import { type Controller, createController, type EventRecorder, type Reconciled } from '@periplus/client/reconcile';
import { claim } from '../shared/claims.js';
import type { ControllerContext } from '../shared/controller-context.js';
import { controllerRefOf, newControllerRef } from '../shared/controller-ref.js';
import { readSelector, watchDependents, watchOwners } from '../shared/dependents-watch.js';
import { causedBy, isDeleting, targetOf, uidOf } from '../shared/identity.js';
import { createPendingWrites } from '../shared/pending-writes.js';
import { createPodControl, ManageError, type ManageFailure } from '../shared/pod-control.js';
import { isActive } from '../shared/pod-state.js';
import { podFromTemplate } from '../shared/pod-template.js';
import * as resources from '../shared/resources.js';
import { BY_CONTROLLER } from '../shared/shared-informers.js';
import { nextAvailabilityMs, planReplicas, planStatus, type ReplicaPlan, type Replicated, sameStatus } from './plan.js';

/** What tells the two kinds apart. */
interface ReplicaKind<T extends Replicated> {
  readonly name: string;
  readonly component: string;
  readonly resource: GroupVersionResource;
  readonly apiVersion: string;
  readonly kind: string;
  readonly informer: Informer<T>;
  /** Undefined when the object's selector can't be read: validation keeps such ones out. */
  selectorOf(owner: T): LabelSelector | undefined;
  /** Other owners whose pods count when a node gives up pods first. */
  siblingsOf(owner: T): readonly T[];
}

/** The awaited event wakes the key up; this is for the case that it was merged into another. */
const STALE_CACHE_RETRY_MS = 5_000;

export function createReplicaSetController(context: ControllerContext): Controller {
  const informer = context.informers.replicaSets;
  return createReplicaController<ReplicaSet>(context, {
    name: 'replicaset',
    component: 'replicaset-controller',
    resource: resources.replicaSets,
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    informer,
    selectorOf: ({ spec }) => readSelector(spec?.selector),
    siblingsOf(owner) {
      const reference = controllerRefOf(owner);
      return reference === undefined ? [owner] : informer.byIndex(BY_CONTROLLER, reference.uid);
    },
  });
}

export function createReplicationControllerController(context: ControllerContext): Controller {
  return createReplicaController<ReplicationController>(context, {
    name: 'replicationcontroller',
    component: 'replication-controller',
    resource: resources.replicationControllers,
    apiVersion: 'v1',
    kind: 'ReplicationController',
    informer: context.informers.replicationControllers,
    selectorOf: ({ spec }) => labelSelectorOf(spec?.selector),
    siblingsOf: (owner) => [owner],
  });
}

function createReplicaController<T extends Replicated>(context: ControllerContext, kind: ReplicaKind<T>): Controller {
  const { client, time, informers } = context;
  const events: EventRecorder = context.events(kind.component);
  const pending = createPendingWrites(informers.pods);
  const podControl = createPodControl(context, events, kind.resource, pending);

  const referenceTo = (owner: T) => newControllerRef(owner, kind.apiVersion, kind.kind);

  function carryOut(owner: T, key: string, plan: ReplicaPlan): Promise<ManageFailure | undefined> {
    switch (plan.kind) {
      case 'enough':
        return Promise.resolve(undefined);
      case 'create':
        return podControl.create(
          owner,
          key,
          Array.from({ length: plan.count }, () => podFromTemplate(owner, owner.spec?.template, referenceTo(owner))),
        );
      case 'delete':
        return podControl.delete(owner, key, plan.pods);
    }
  }

  async function writeStatus(owner: T, status: ReplicaSetStatus): Promise<void> {
    if (sameStatus(owner.status, status)) return;
    const target = targetOf(kind.resource, owner, 'status');
    const updated: Replicated = { ...owner, status };
    await client.update(target, updated, causedBy(kind.resource, owner));
  }

  async function reconcile(key: string): Promise<Reconciled> {
    const { namespace, name } = splitObjectKey(key);
    const owner = kind.informer.get(namespace, name);
    if (owner === undefined) {
      pending.forget(key);
      return undefined;
    }
    const selector = kind.selectorOf(owner);
    if (selector === undefined) return undefined;
    const mayManage = pending.isUnknown(key) || pending.caughtUp(key);
    const candidates = await podControl.candidates(owner, key);
    const claimed = { object: owner, resource: kind.resource, apiVersion: kind.apiVersion, kind: kind.kind };
    const pods = await claim(client, claimed, selector, resources.pods, candidates);
    const managed = mayManage && !isDeleting(owner);
    let failure: ManageFailure | undefined;
    if (managed) {
      const related = kind
        .siblingsOf(owner)
        .flatMap((sibling) => informers.pods.byIndex(BY_CONTROLLER, uidOf(sibling)));
      failure = await carryOut(owner, key, planReplicas(owner, pods, related.filter(isActive), time.now()));
    }
    await writeStatus(owner, planStatus(owner, pods, { managed, ...(failure ? { failure } : {}) }, time.now()));
    if (failure !== undefined) throw new ManageError(failure);
    const waitMs = mayManage ? nextAvailabilityMs(owner, pods, time.now()) : STALE_CACHE_RETRY_MS;
    return waitMs === undefined ? undefined : { requeueAfterMs: waitMs };
  }

  const controller = createController({
    name: kind.name,
    time,
    random: context.random,
    logger: context.logger,
    waitFor: [kind.informer, informers.pods],
    reconcile,
  });

  const owners = { ...kind, enqueue: (key: string) => controller.enqueue(key) };
  watchOwners(owners);
  watchDependents(owners, informers.pods);
  return controller;
}
