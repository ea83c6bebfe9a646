/** Pods that were promised a node whose lower-priority pods are making room: others of no higher priority must leave them theirs. */
import type { PodInfo } from '../pod/pod-info.js';

export interface Nominations {
  nominate(pod: PodInfo, nodeName: string): void;
  withdraw(uid: string): void;
  nodeNameOf(uid: string): string | undefined;
  on(nodeName: string): readonly PodInfo[];
  /** Whether somebody waits for the node. */
  has(nodeName: string): boolean;
  readonly size: number;
}

const nobody: readonly PodInfo[] = [];

export function createNominations(): Nominations {
  const byNode = new Map<string, Map<string, PodInfo>>();
  const nodeOf = new Map<string, string>();

  function withdraw(uid: string): void {
    const nodeName = nodeOf.get(uid);
    if (nodeName === undefined) return;
    nodeOf.delete(uid);
    const pods = byNode.get(nodeName);
    pods?.delete(uid);
    if (pods?.size === 0) byNode.delete(nodeName);
  }

  return {
    nominate(pod, nodeName) {
      withdraw(pod.uid);
      nodeOf.set(pod.uid, nodeName);
      let pods = byNode.get(nodeName);
      if (pods === undefined) byNode.set(nodeName, (pods = new Map()));
      pods.set(pod.uid, pod);
    },
    withdraw,
    nodeNameOf: (uid) => nodeOf.get(uid),
    on(nodeName) {
      const pods = byNode.get(nodeName);
      return pods === undefined ? nobody : [...pods.values()];
    },
    has: (nodeName) => byNode.has(nodeName),
    get size() {
      return nodeOf.size;
    },
  };
}
