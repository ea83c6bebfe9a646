/** What the fake's server does to one object on a write: metadata it owns, the status subresource, generation, merge patches. */
import { conflict, type JsonObject, type KubeObject, type ObjectMeta, staleConflict } from '@periplus/api/meta';
import type { ObjectTarget, ResourceTarget } from './api-client.js';

export interface FakeObject extends KubeObject {
  metadata: ObjectMeta;
  spec?: JsonObject;
  status?: JsonObject;
}

/** Kinds whose status is written through the subresource alone. */
const WITH_STATUS = new Set([
  'pods',
  'nodes',
  'namespaces',
  'services',
  'deployments',
  'replicasets',
  'replicationcontrollers',
  'statefulsets',
  'daemonsets',
  'jobs',
]);
const WITHOUT_GENERATION = new Set(['events', 'leases', 'configmaps', 'secrets', 'serviceaccounts', 'endpoints']);

const hasStatus = (target: ResourceTarget): boolean => WITH_STATUS.has(target.resource);

const sameJson = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** RFC 7386. */
export function mergePatch(base: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof base === 'object' && base !== null && !Array.isArray(base) ? { ...base } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** The object after an update; the same contents when nothing changed. Throws the conflict of a stale resourceVersion or uid. */
export function updatedObject(target: ObjectTarget, current: FakeObject, sent: FakeObject): FakeObject {
  const meta = sent.metadata;
  if (meta.resourceVersion !== undefined && meta.resourceVersion !== current.metadata.resourceVersion)
    throw staleConflict(target, target.name);
  if (meta.uid !== undefined && meta.uid !== current.metadata.uid)
    throw conflict(
      target,
      target.name,
      `Precondition failed: UID in precondition: ${meta.uid}, UID in object meta: ${current.metadata.uid}`,
    );
  if (target.subresource === 'status') {
    const status: FakeObject = { ...current };
    if (sent.status === undefined) delete status.status;
    else status.status = sent.status;
    return status;
  }
  const generation = current.metadata.generation ?? 0;
  const next: FakeObject = {
    ...sent,
    metadata: {
      ...sent.metadata,
      uid: current.metadata.uid,
      creationTimestamp: current.metadata.creationTimestamp,
      resourceVersion: current.metadata.resourceVersion,
      ...(current.metadata.deletionTimestamp === undefined
        ? {}
        : {
            deletionTimestamp: current.metadata.deletionTimestamp,
            deletionGracePeriodSeconds: current.metadata.deletionGracePeriodSeconds,
          }),
    },
  };
  if (!WITHOUT_GENERATION.has(target.resource))
    next.metadata.generation = sameJson(current.spec, sent.spec) ? generation : generation + 1;
  if (hasStatus(target)) {
    if (current.status === undefined) delete next.status;
    else next.status = current.status;
  }
  return next;
}

/** The object as stored by a create. */
export function createdObject(
  target: ResourceTarget,
  sent: FakeObject,
  name: string,
  uid: string,
  now: string,
): FakeObject {
  const object: FakeObject = {
    ...sent,
    metadata: {
      ...sent.metadata,
      name,
      ...(target.namespace === '' ? {} : { namespace: target.namespace }),
      uid,
      creationTimestamp: now,
      ...(WITHOUT_GENERATION.has(target.resource) ? {} : { generation: 1 }),
    },
  };
  delete object.metadata.resourceVersion;
  if (hasStatus(target)) delete object.status;
  return object;
}
