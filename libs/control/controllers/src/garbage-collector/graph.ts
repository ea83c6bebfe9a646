/** Who owns whom, by uid: the part of each object's metadata that collection needs, kept in step with the watches. */
import type { GroupVersionResource, KubeObject, OwnerReference } from '@periplus/api/meta';
import { isDeleting, nameOf, namespaceOf, uidOf } from '../shared/identity.js';

export const FOREGROUND = 'foregroundDeletion';
export const ORPHAN = 'orphan';

export interface GraphNode {
  readonly uid: string;
  readonly resource: GroupVersionResource;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string;
  readonly owners: readonly OwnerReference[];
  readonly finalizers: readonly string[];
  readonly deleting: boolean;
}

/** Being deleted, and waiting for its blocking dependents to go first. */
export const waitsForDependents = (node: GraphNode): boolean => node.deleting && node.finalizers.includes(FOREGROUND);

/** Being deleted, and waiting for its dependents to be let go. */
export const orphansDependents = (node: GraphNode): boolean => node.deleting && node.finalizers.includes(ORPHAN);

export interface OwnerGraph {
  get(uid: string): GraphNode | undefined;
  /** Returns the node before. */
  put(node: GraphNode): GraphNode | undefined;
  remove(uid: string): GraphNode | undefined;
  /** Also of an owner that isn't in the graph. */
  dependentsOf(uid: string): GraphNode[];
  nodes(): IterableIterator<GraphNode>;
}

const NO_OWNERS: readonly OwnerReference[] = [];
const NO_FINALIZERS: readonly string[] = [];

export function toGraphNode(
  resource: GroupVersionResource & { readonly kind: string; readonly namespaced: boolean },
  object: KubeObject,
): GraphNode {
  return {
    uid: uidOf(object),
    resource,
    kind: resource.kind,
    namespaced: resource.namespaced,
    namespace: namespaceOf(object),
    name: nameOf(object),
    resourceVersion: object.metadata?.resourceVersion ?? '',
    owners: object.metadata?.ownerReferences ?? NO_OWNERS,
    finalizers: object.metadata?.finalizers ?? NO_FINALIZERS,
    deleting: isDeleting(object),
  };
}

export function createOwnerGraph(): OwnerGraph {
  const nodes = new Map<string, GraphNode>();
  const dependents = new Map<string, Set<string>>();

  function unlink(node: GraphNode): void {
    for (const { uid } of node.owners) {
      const set = dependents.get(uid);
      set?.delete(node.uid);
      if (set?.size === 0) dependents.delete(uid);
    }
  }

  return {
    get: (uid) => nodes.get(uid),
    put(node) {
      const before = nodes.get(node.uid);
      if (before !== undefined) unlink(before);
      nodes.set(node.uid, node);
      for (const { uid } of node.owners) {
        const set = dependents.get(uid) ?? new Set();
        dependents.set(uid, set.add(node.uid));
      }
      return before;
    },
    remove(uid) {
      const before = nodes.get(uid);
      if (before === undefined) return undefined;
      unlink(before);
      nodes.delete(uid);
      return before;
    },
    dependentsOf(uid) {
      return [...(dependents.get(uid) ?? [])].flatMap((dependent) => nodes.get(dependent) ?? []);
    },
    nodes: () => nodes.values(),
  };
}
