/** The ReplicaSet of the present template: found and kept in step, or to be made. */
import type { Deployment, ReplicaSet } from '@periplus/api/kinds';
import { newControllerRef } from '../shared/controller-ref.js';
import { annotationsOf, nameOf, namespaceOf } from '../shared/identity.js';
import { annotate, current, type Draft, setMinReadySeconds } from './draft.js';
import { newReplicaSetSize } from './replica-math.js';
import { nextRevision, REVISION, replicaSetAnnotations, sizeAnnotations } from './revision.js';
import { conditionOf, deadlineMs, newCondition, withCondition } from './status.js';
import { findNewReplicaSet, HASH_LABEL, templateHash } from './template.js';

export function oldReplicaSets(deployment: Deployment, all: readonly ReplicaSet[]): ReplicaSet[] {
  const newest = findNewReplicaSet(deployment, all);
  return all.filter((replicaSet) => replicaSet !== newest);
}

function setDeploymentRevision(draft: Draft, revision: string | undefined): void {
  if (revision !== undefined && annotationsOf(draft.deployment)[REVISION] !== revision) draft.revision = revision;
}

function setProgressing(draft: Draft, reason: string, message: string): void {
  if (deadlineMs(draft.deployment) === undefined) return;
  draft.conditions = withCondition(draft.conditions, newCondition('Progressing', 'True', reason, message, draft.nowMs));
}

/** Gives the present ReplicaSet its revision and annotations. Undefined when there is none. */
export function syncNewReplicaSet(draft: Draft): ReplicaSet | undefined {
  const { deployment } = draft;
  const newest = findNewReplicaSet(deployment, draft.replicaSets);
  if (newest === undefined) return undefined;
  const revision = nextRevision(oldReplicaSets(deployment, draft.replicaSets));
  annotate(draft, newest, replicaSetAnnotations(deployment, annotationsOf(newest), revision));
  const annotated = current(draft, nameOf(newest)) ?? newest;
  setMinReadySeconds(draft, annotated, deployment.spec.minReadySeconds ?? 0);
  const synced = current(draft, nameOf(newest)) ?? newest;
  setDeploymentRevision(draft, annotationsOf(synced)[REVISION]);
  if (conditionOf({ conditions: draft.conditions }, 'Progressing') === undefined)
    setProgressing(draft, 'FoundNewReplicaSet', `Found new replica set "${nameOf(synced)}"`);
  return synced;
}

/** Plans to make the ReplicaSet of the present template. */
export function planNewReplicaSet(draft: Draft): void {
  const { deployment } = draft;
  const { template, selector } = deployment.spec;
  const hash = templateHash(template, deployment.status?.collisionCount ?? 0);
  const name = `${nameOf(deployment)}-${hash}`;
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  const revision = nextRevision(draft.replicaSets);
  const replicas = newReplicaSetSize(deployment, draft.replicaSets, 0);
  const replicaSet: ReplicaSet = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name,
      namespace: namespaceOf(deployment),
      labels,
      annotations: { ...replicaSetAnnotations(deployment, {}, revision), ...sizeAnnotations(deployment) },
      ownerReferences: [newControllerRef(deployment, 'apps/v1', 'Deployment')],
    },
    spec: {
      replicas,
      ...(deployment.spec.minReadySeconds === undefined ? {} : { minReadySeconds: deployment.spec.minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
  draft.create = {
    replicaSet,
    ...(replicas === 0 ? {} : { message: `Scaled up replica set ${name} from 0 to ${replicas}` }),
  };
  setDeploymentRevision(draft, String(revision));
  setProgressing(draft, 'NewReplicaSetCreated', `Created new replica set "${name}"`);
}
