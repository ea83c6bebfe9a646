/** An object's name, uid and revision without the question marks: what comes from the server has them. */
import {
  type GroupVersionResource,
  type KubeObject,
  parseResourceVersion,
  type Revision,
  toRevision,
} from '@periplus/api/meta';
import type { ObjectTarget, WriteContext } from '@periplus/client/api-client';

export const nameOf = (object: KubeObject): string => object.metadata?.name ?? '';
export const namespaceOf = (object: KubeObject): string => object.metadata?.namespace ?? '';
export const uidOf = (object: KubeObject): string => object.metadata?.uid ?? '';
export const labelsOf = (object: KubeObject): Record<string, string> => object.metadata?.labels ?? {};
export const annotationsOf = (object: KubeObject): Record<string, string> => object.metadata?.annotations ?? {};
export const isDeleting = (object: KubeObject): boolean => object.metadata?.deletionTimestamp !== undefined;

/** 0 for an object that was never stored. */
export function revisionOf(object: KubeObject): Revision {
  return parseResourceVersion(object.metadata?.resourceVersion ?? '') ?? toRevision(0);
}

/** Milliseconds since the epoch; 0 when there is no such time. */
export function timeOf(text: string | null | undefined): number {
  const ms = Date.parse(text ?? '');
  return Number.isNaN(ms) ? 0 : ms;
}

export function targetOf(resource: GroupVersionResource, object: KubeObject, subresource?: string): ObjectTarget {
  return {
    ...resource,
    namespace: namespaceOf(object),
    name: nameOf(object),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

/**
 * What the log is told of a write that reacts to `object`: its key and revision, and as the change the object's
 * generation, so that all that one change of a spec brought about is found together.
 */
export function causedBy(resource: GroupVersionResource, object: KubeObject): WriteContext {
  const { group, resource: name } = resource;
  const generation = object.metadata?.generation;
  return {
    cause: {
      key: { group, resource: name, namespace: namespaceOf(object), name: nameOf(object) },
      revision: revisionOf(object),
    },
    ...(generation === undefined ? {} : { changeId: `${uidOf(object)}.${generation}` }),
  };
}
