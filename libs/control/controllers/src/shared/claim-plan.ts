/** Which objects a controller takes as its own: those it controls and selects stay, orphans it selects come, those it no longer selects go. */
import { type KubeObject, type LabelSelector, matchesLabels, type OwnerReference } from '@periplus/api/meta';
import { controllerRefOf } from './controller-ref.js';
import { isDeleting, labelsOf, uidOf } from './identity.js';

export interface ClaimPlan<T extends KubeObject> {
  /** Controlled and selected already. */
  readonly kept: readonly T[];
  /** To be given the owner as controller. */
  readonly adopt: readonly T[];
  /** To lose the owner. */
  readonly release: readonly T[];
}

/** `candidates`: what the owner controls, and the orphans of its namespace. An owner that is going adopts and releases nothing. */
export function planClaims<T extends KubeObject>(
  owner: KubeObject,
  selector: LabelSelector,
  candidates: readonly T[],
): ClaimPlan<T> {
  const kept: T[] = [];
  const adopt: T[] = [];
  const release: T[] = [];
  for (const candidate of candidates) {
    const reference = controllerRefOf(candidate);
    const selected = matchesLabels(selector, labelsOf(candidate));
    if (reference !== undefined) {
      if (reference.uid !== uidOf(owner)) continue;
      if (selected) kept.push(candidate);
      else if (!isDeleting(owner)) release.push(candidate);
    } else if (selected && !isDeleting(owner) && !isDeleting(candidate)) adopt.push(candidate);
  }
  return { kept, adopt, release };
}

/** The owners of an object that is adopted. */
export function ownersWith(object: KubeObject, reference: OwnerReference): readonly OwnerReference[] {
  return [...(object.metadata?.ownerReferences ?? []), reference];
}

/** The owners of an object that is released. */
export function ownersWithout(object: KubeObject, ownerUid: string): readonly OwnerReference[] {
  return (object.metadata?.ownerReferences ?? []).filter((reference) => reference.uid !== ownerUid);
}
