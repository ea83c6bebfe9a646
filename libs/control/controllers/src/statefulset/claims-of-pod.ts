/** The PersistentVolumeClaims of an ordinal: made before its pod, kept or given up with it as the retention policy says. */
import { type PersistentVolumeClaim, type Pod, type StatefulSet, sameJson } from '@periplus/api/kinds';
import type { OwnerReference } from '@periplus/api/meta';
import { newControllerRef } from '../shared/controller-ref.js';
import { isDeleting, labelsOf, nameOf, namespaceOf, uidOf } from '../shared/identity.js';

export const claimName = (set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string =>
  `${nameOf(template)}-${nameOf(set)}-${ordinal}`;

export function claimNames(set: StatefulSet, ordinal: number): string[] {
  return (set.spec?.volumeClaimTemplates ?? []).map((template) => claimName(set, template, ordinal));
}

/** Those that an ordinal's pod needs, as they are made. */
export function newClaims(set: StatefulSet, ordinal: number): PersistentVolumeClaim[] {
  return (set.spec?.volumeClaimTemplates ?? []).map((template) => {
    const claim: PersistentVolumeClaim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        name: claimName(set, template, ordinal),
        namespace: namespaceOf(set),
        labels: { ...labelsOf(template), ...set.spec?.selector?.matchLabels },
        ...(template.metadata?.annotations === undefined ? {} : { annotations: template.metadata.annotations }),
      },
      ...(template.spec === undefined ? {} : { spec: template.spec }),
    };
    const owners = claimOwners(set, claim, undefined, true);
    return owners.length === 0 ? claim : { ...claim, metadata: { ...claim.metadata, ownerReferences: [...owners] } };
  });
}

/**
 * The owners that a claim should have: the set where its deletion takes the claim along, the pod where scaling down does.
 * `wanted`: whether the ordinal is one of the set's. Others' references stay. KEP-1847.
 */
export function claimOwners(
  set: StatefulSet,
  claim: PersistentVolumeClaim,
  pod: Pod | undefined,
  wanted: boolean,
): readonly OwnerReference[] {
  const { whenDeleted, whenScaled } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  const kept = (claim.metadata?.ownerReferences ?? []).filter(
    ({ uid, kind, name }) => uid !== uidOf(set) && !(kind === 'Pod' && pod !== undefined && name === nameOf(pod)),
  );
  const goesWithPod = !wanted && whenScaled === 'Delete' && pod !== undefined;
  if (goesWithPod) return [...kept, newControllerRef(pod, 'v1', 'Pod')];
  const goesWithSet = whenDeleted === 'Delete' && (wanted || whenScaled !== 'Delete');
  return goesWithSet ? [...kept, newControllerRef(set, 'apps/v1', 'StatefulSet')] : kept;
}

export function hasOwners(claim: PersistentVolumeClaim, owners: readonly OwnerReference[]): boolean {
  return sameJson(claim.metadata?.ownerReferences ?? [], owners);
}

/** A claim that goes with an earlier pod of the name, or goes already: a new pod must wait for the next one. */
export function isLeaving(claim: PersistentVolumeClaim, podName: string, podUid: string | undefined): boolean {
  return (
    isDeleting(claim) ||
    (claim.metadata?.ownerReferences ?? []).some(
      ({ kind, name, uid }) => kind === 'Pod' && name === podName && uid !== podUid,
    )
  );
}
