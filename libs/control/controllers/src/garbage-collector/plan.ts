/** What becomes of an object, given how each of its owners stands; and what an owner that is going still waits for. */
import { FOREGROUND, type GraphNode, ORPHAN, orphansDependents, waitsForDependents } from './graph.js';

/**
 * `solid`: there, and staying. `waiting`: there, being deleted, waiting for its dependents. `absent`: gone for good.
 * `unresolvable`: of a kind that is not known, or that cannot own this object; nobody is collected for it.
 */
export type OwnerStanding = 'solid' | 'waiting' | 'absent' | 'unresolvable';

export type CollectionPlan =
  | { readonly kind: 'keep' }
  /** Some owners are gone and one stays: the object forgets the former. */
  | { readonly kind: 'forgetOwners'; readonly uids: readonly string[] }
  | { readonly kind: 'delete'; readonly policy: 'Background' | 'Foreground' | 'Orphan' };

const KEEP: CollectionPlan = { kind: 'keep' };

/** @param standings by owner uid. */
export function planCollection(
  node: GraphNode,
  standings: ReadonlyMap<string, OwnerStanding>,
  hasDependents: boolean,
): CollectionPlan {
  if (node.owners.length === 0 || (node.deleting && !waitsForDependents(node))) return KEEP;
  const having = (...wanted: readonly OwnerStanding[]): string[] =>
    node.owners.map(({ uid }) => uid).filter((uid) => wanted.includes(standings.get(uid) ?? 'unresolvable'));
  const leaving = having('absent', 'waiting');
  if (leaving.length === 0) return KEEP;
  if (having('solid', 'unresolvable').length > 0) return { kind: 'forgetOwners', uids: leaving };
  if (node.deleting) return KEEP;
  if (having('waiting').length > 0 && hasDependents) return { kind: 'delete', policy: 'Foreground' };
  if (node.finalizers.includes(ORPHAN)) return { kind: 'delete', policy: 'Orphan' };
  if (node.finalizers.includes(FOREGROUND)) return { kind: 'delete', policy: 'Foreground' };
  return { kind: 'delete', policy: 'Background' };
}

export type OwnerPlan =
  | { readonly kind: 'nothing' }
  /** These must go before the owner may. */
  | { readonly kind: 'collect'; readonly dependents: readonly GraphNode[] }
  /** These must forget the owner, then the finalizer goes. */
  | { readonly kind: 'orphan'; readonly dependents: readonly GraphNode[] }
  | { readonly kind: 'removeFinalizer'; readonly finalizer: string };

const blocks = (dependent: GraphNode, ownerUid: string): boolean =>
  dependent.owners.some(({ uid, blockOwnerDeletion }) => uid === ownerUid && blockOwnerDeletion === true);

/** Of an owner that is being deleted. */
export function planOwner(node: GraphNode, dependents: readonly GraphNode[]): OwnerPlan {
  if (orphansDependents(node)) {
    return dependents.length === 0 ? { kind: 'removeFinalizer', finalizer: ORPHAN } : { kind: 'orphan', dependents };
  }
  if (!waitsForDependents(node)) return { kind: 'nothing' };
  const blocking = dependents.filter((dependent) => blocks(dependent, node.uid) && dependent.uid !== node.uid);
  return blocking.length === 0
    ? { kind: 'removeFinalizer', finalizer: FOREGROUND }
    : { kind: 'collect', dependents: blocking };
}

/**
 * An object that is to wait for its dependents, while one of those waits already, maybe for this very object: in a circle
 * nobody could go first, so this one must stop blocking its owners.
 */
export function mayDeadlock(node: GraphNode, dependents: readonly GraphNode[]): boolean {
  return (
    !node.deleting &&
    node.owners.some(({ blockOwnerDeletion }) => blockOwnerDeletion === true) &&
    dependents.some(waitsForDependents)
  );
}
