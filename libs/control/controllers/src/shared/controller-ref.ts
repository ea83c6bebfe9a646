/** Owner references: who controls an object, and how that is written. */
import type { KubeObject, OwnerReference } from '@periplus/api/meta';
import { nameOf, namespaceOf, uidOf } from './identity.js';

export function controllerRefOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find((reference) => reference.controller === true);
}

export function isControlledBy(object: KubeObject, owner: KubeObject): boolean {
  return controllerRefOf(object)?.uid === uidOf(owner);
}

/** The owner's kind is given, since objects in lists may come without theirs. */
export function newControllerRef(owner: KubeObject, apiVersion: string, kind: string): OwnerReference {
  return { apiVersion, kind, name: nameOf(owner), uid: uidOf(owner), controller: true, blockOwnerDeletion: true };
}

/** Where objects without a controller stand in the index, a namespace each. */
export const orphansIn = (namespace: string): string => `orphans/${namespace}`;

/** The index of dependents by their controller's uid. */
export const byControllerUid = (object: KubeObject): readonly string[] => [
  controllerRefOf(object)?.uid ?? orphansIn(namespaceOf(object)),
];

/** A merge patch that changes nothing but owners, of the object just as it was seen. */
export function ownersPatch(
  object: KubeObject,
  owners: readonly OwnerReference[],
  finalizers = object.metadata?.finalizers,
): unknown {
  return {
    metadata: {
      uid: uidOf(object),
      resourceVersion: object.metadata?.resourceVersion,
      ownerReferences: owners.length === 0 ? null : owners,
      ...(finalizers === object.metadata?.finalizers ? {} : { finalizers }),
    },
  };
}
