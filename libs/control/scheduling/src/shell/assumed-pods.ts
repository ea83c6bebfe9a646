/** Pods that were given a node and count there, though no informer has shown them on it yet. */

export interface AssumedPods {
  assume(uid: string, nodeName: string): void;
  /** Seen on a node, or gone. True when it was assumed. */
  confirm(uid: string): boolean;
  has(uid: string): boolean;
  nodeNameOf(uid: string): string | undefined;
  readonly size: number;
}

export function createAssumedPods(): AssumedPods {
  const nodeOf = new Map<string, string>();
  return {
    assume: (uid, nodeName) => void nodeOf.set(uid, nodeName),
    confirm: (uid) => nodeOf.delete(uid),
    has: (uid) => nodeOf.has(uid),
    nodeNameOf: (uid) => nodeOf.get(uid),
    get size() {
      return nodeOf.size;
    },
  };
}
