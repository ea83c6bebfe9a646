/** Carries out the plans of Deployments: makes, resizes and deletes their ReplicaSets, and keeps their status. */
import type { Deployment, DeploymentStatus, Pod, ReplicaSet } from '@periplus/api/kinds';
import { isStatusError, selectsEverything, toLabelSelector } from '@periplus/api/meta';
import { keyOf, splitObjectKey } from '@periplus/client/informer';
import { type Controller, createController, isOutage, type Reconciled } from '@periplus/client/reconcile';
import { claim } from '../shared/claims.js';
import type { ControllerContext } from '../shared/controller-context.js';
import { controllerRefOf, isControlledBy, orphansIn } from '../shared/controller-ref.js';
import { causedBy, isDeleting, labelsOf, nameOf, namespaceOf, targetOf, uidOf } from '../shared/identity.js';
import * as resources from '../shared/resources.js';
import { BY_CONTROLLER } from '../shared/shared-informers.js';
import { matchesLabels } from '@periplus/api/meta';
import type { DeploymentWrite } from './draft.js';
import { planDeployment } from './plan.js';
import { REVISION } from './revision.js';
import { deadlineMs, newCondition, sameStatus, withCondition } from './status.js';
import { sameTemplate } from './template.js';

export function createDeploymentController(context: ControllerContext): Controller {
  const { client, time, informers } = context;
  const events = context.events('deployment-controller');

  const saying = (deployment: Deployment) => causedBy(resources.deployments, deployment);

  async function writeStatus(deployment: Deployment, status: DeploymentStatus): Promise<void> {
    if (sameStatus(deployment.status, status)) return;
    const updated: Deployment = { ...deployment, status };
    await client.update(targetOf(resources.deployments, deployment, 'status'), updated, saying(deployment));
  }

  /** A name that is taken by another's ReplicaSet or another template: the next hash is tried, by a count in the status. */
  async function resolveCollision(deployment: Deployment, replicaSet: ReplicaSet): Promise<void> {
    const present = await client.get<ReplicaSet>(targetOf(resources.replicaSets, replicaSet));
    if (isControlledBy(present, deployment) && sameTemplate(present.spec?.template, replicaSet.spec?.template)) return;
    const { status } = deployment;
    await writeStatus(deployment, { ...status, collisionCount: (status?.collisionCount ?? 0) + 1 });
    throw new CollisionError(nameOf(replicaSet));
  }

  async function reportFailedCreate(deployment: Deployment, name: string, error: Error): Promise<void> {
    const message = `Failed to create new replica set "${name}": ${error.message}`;
    events.record(deployment, 'Warning', 'ReplicaSetCreateError', message);
    if (deadlineMs(deployment) === undefined) return;
    const condition = newCondition('Progressing', 'False', 'ReplicaSetCreateError', message, time.now());
    const conditions = withCondition(deployment.status?.conditions ?? [], condition);
    await writeStatus(deployment, { ...deployment.status, conditions });
  }

  async function createReplicaSet(deployment: Deployment, replicaSet: ReplicaSet, message?: string): Promise<void> {
    const target = { ...resources.replicaSets, namespace: namespaceOf(deployment) };
    try {
      await client.create(target, replicaSet, saying(deployment));
      if (message !== undefined) events.record(deployment, 'Normal', 'ScalingReplicaSet', message);
    } catch (error) {
      if (isStatusError(error, 'AlreadyExists')) await resolveCollision(deployment, replicaSet);
      else {
        if (isStatusError(error) && !isOutage(error)) await reportFailedCreate(deployment, nameOf(replicaSet), error);
        throw error;
      }
    }
  }

  /** The deployment as it is after the write. */
  async function carryOut(deployment: Deployment, write: DeploymentWrite): Promise<Deployment> {
    switch (write.kind) {
      case 'createReplicaSet':
        await createReplicaSet(deployment, write.replicaSet, write.message);
        return deployment;
      case 'patchReplicaSet': {
        const { replicaSet, replicas, annotations, minReadySeconds, message } = write;
        const spec = {
          ...(replicas === undefined ? {} : { replicas }),
          ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
        };
        const metadata = {
          uid: uidOf(replicaSet),
          resourceVersion: replicaSet.metadata?.resourceVersion,
          ...(annotations === undefined ? {} : { annotations }),
        };
        await client.patch(
          targetOf(resources.replicaSets, replicaSet),
          'merge',
          { metadata, spec },
          saying(deployment),
        );
        if (message !== undefined) events.record(deployment, 'Normal', 'ScalingReplicaSet', message);
        return deployment;
      }
      case 'deleteReplicaSet': {
        const preconditions = { uid: uidOf(write.replicaSet) };
        const target = targetOf(resources.replicaSets, write.replicaSet);
        await client.delete(target, { ...saying(deployment), preconditions });
        return deployment;
      }
      case 'setRevision': {
        const patch = { metadata: { uid: uidOf(deployment), annotations: { [REVISION]: write.revision } } };
        const target = targetOf(resources.deployments, deployment);
        const updated = await client.patch<Deployment>(target, 'merge', patch, saying(deployment));
        return updated;
      }
    }
  }

  async function reconcile(key: string): Promise<Reconciled> {
    const { namespace, name } = splitObjectKey(key);
    const deployment = informers.deployments.get(namespace, name);
    if (deployment === undefined) return undefined;
    const selector = toLabelSelector(deployment.spec.selector);
    if (!selector.ok) return undefined;
    if (selectsEverything(selector.value)) {
      const message = 'This deployment is selecting all pods. A non-empty selector is required.';
      events.record(deployment, 'Warning', 'SelectingAll', message);
      await writeStatus(deployment, { ...deployment.status, observedGeneration: deployment.metadata?.generation ?? 0 });
      return undefined;
    }
    const owner = { object: deployment, resource: resources.deployments, apiVersion: 'apps/v1', kind: 'Deployment' };
    const replicaSets = await claim(client, owner, selector.value, resources.replicaSets, [
      ...informers.replicaSets.byIndex(BY_CONTROLLER, uidOf(deployment)),
      ...informers.replicaSets.byIndex(BY_CONTROLLER, orphansIn(namespace)),
    ]);
    const podsOf = (replicaSet: ReplicaSet): Pod[] => informers.pods.byIndex(BY_CONTROLLER, uidOf(replicaSet));
    const plan = planDeployment({ deployment, replicaSets, podsOf }, time.now());
    let current = deployment;
    for (const write of plan.writes) current = await carryOut(current, write);
    await writeStatus(current, plan.status);
    return plan.requeueAfterMs === undefined ? undefined : { requeueAfterMs: plan.requeueAfterMs };
  }

  const controller = createController({
    name: 'deployment',
    time,
    random: context.random,
    logger: context.logger,
    waitFor: [informers.deployments, informers.replicaSets, informers.pods],
    reconcile,
  });

  function enqueueOwnerOf(replicaSet: ReplicaSet): void {
    const reference = controllerRefOf(replicaSet);
    if (reference?.kind === 'Deployment') controller.enqueue(`${namespaceOf(replicaSet)}/${reference.name}`);
  }

  function enqueueSelectorsOf(replicaSet: ReplicaSet): void {
    if (controllerRefOf(replicaSet) !== undefined || isDeleting(replicaSet)) return;
    for (const deployment of informers.deployments.list(namespaceOf(replicaSet))) {
      const selector = toLabelSelector(deployment.spec.selector);
      if (selector.ok && matchesLabels(selector.value, labelsOf(replicaSet))) controller.enqueue(keyOf(deployment));
    }
  }

  /** A Recreate waits for the last old pod to end. */
  function onPodGone(pod: Pod): void {
    const replicaSet = informers.replicaSets.get(namespaceOf(pod), controllerRefOf(pod)?.name ?? '');
    if (replicaSet !== undefined && isControlledBy(pod, replicaSet)) enqueueOwnerOf(replicaSet);
  }

  informers.deployments.addHandler({
    onAdd: (deployment) => controller.enqueue(keyOf(deployment)),
    onUpdate: (deployment) => controller.enqueue(keyOf(deployment)),
  });
  informers.replicaSets.addHandler({
    onAdd(replicaSet) {
      enqueueOwnerOf(replicaSet);
      enqueueSelectorsOf(replicaSet);
    },
    onUpdate(replicaSet, old) {
      if (controllerRefOf(old)?.uid !== controllerRefOf(replicaSet)?.uid) enqueueOwnerOf(old);
      enqueueOwnerOf(replicaSet);
      enqueueSelectorsOf(replicaSet);
    },
    onDelete: enqueueOwnerOf,
  });
  informers.pods.addHandler({ onDelete: onPodGone });
  return controller;
}

/** Tried again at once with the next hash. */
class CollisionError extends Error {
  readonly code = 'NAME_COLLISION';
  constructor(name: string) {
    super(`the ReplicaSet name ${name} is taken`);
  }
}
