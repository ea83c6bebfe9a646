/** Carries out a claim plan: adopts and releases by patches of the objects just as they were seen. */
import { type GroupVersionResource, isStatusError, type KubeObject, type LabelSelector } from '@periplus/api/meta';
import type { ApiClient } from '@periplus/client/api-client';
import { ownersWith, ownersWithout, planClaims } from './claim-plan.js';
import { newControllerRef, ownersPatch } from './controller-ref.js';
import { causedBy, isDeleting, targetOf, uidOf } from './identity.js';

export interface Owner {
  readonly object: KubeObject;
  readonly resource: GroupVersionResource;
  readonly apiVersion: string;
  readonly kind: string;
  /** Comes with adoption and goes with release. */
  readonly finalizer?: string;
}

function finalizersWith(object: KubeObject, finalizer: string | undefined): string[] | undefined {
  const finalizers = object.metadata?.finalizers;
  if (finalizer === undefined || finalizers?.includes(finalizer)) return finalizers;
  return [...(finalizers ?? []), finalizer];
}

function finalizersWithout(object: KubeObject, finalizer: string | undefined): string[] | undefined {
  const finalizers = object.metadata?.finalizers;
  if (finalizer === undefined || !finalizers?.includes(finalizer)) return finalizers;
  return finalizers.filter((one) => one !== finalizer);
}

/**
 * The objects that are the owner's after the plan is carried out. Before it adopts, it asks the server whether the owner
 * is still there: a cache may be behind, and an object given to a dead owner would be collected.
 */
export async function claim<T extends KubeObject>(
  client: ApiClient,
  owner: Owner,
  selector: LabelSelector,
  resource: GroupVersionResource,
  candidates: readonly T[],
): Promise<T[]> {
  const plan = planClaims(owner.object, selector, candidates);
  const context = causedBy(owner.resource, owner.object);
  const mine = [...plan.kept];
  for (const object of plan.release) {
    const owners = ownersWithout(object, uidOf(owner.object));
    try {
      await client.patch(
        targetOf(resource, object),
        'merge',
        ownersPatch(object, owners, finalizersWithout(object, owner.finalizer)),
        context,
      );
    } catch (error) {
      if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'Invalid')) throw error;
    }
  }
  if (plan.adopt.length === 0) return mine;
  const live = await client.get(targetOf(owner.resource, owner.object));
  if (uidOf(live) !== uidOf(owner.object) || isDeleting(live)) return mine;
  const reference = newControllerRef(owner.object, owner.apiVersion, owner.kind);
  for (const object of plan.adopt) {
    try {
      const owners = ownersWith(object, reference);
      const patch = ownersPatch(object, owners, finalizersWith(object, owner.finalizer));
      mine.push(await client.patch<T>(targetOf(resource, object), 'merge', patch, context));
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }
  return mine;
}
