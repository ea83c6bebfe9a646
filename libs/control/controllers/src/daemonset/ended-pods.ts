/** How soon an ended daemon pod may be replaced: the more often on a node, the later. */
import type { Time } from '@periplus/base/clock';

const INITIAL_MS = 1_000;
const MAX_MS = 15 * 60_000;

export interface EndedPodBackoff {
  /** 0 when it may be replaced now, which counts; otherwise how long to wait. */
  waitMs(daemonSetUid: string, node: string): number;
  forget(daemonSetUid: string): void;
}

export function createEndedPodBackoff(time: Time): EndedPodBackoff {
  const byDaemonSet = new Map<string, Map<string, { delayMs: number; sinceMs: number }>>();
  return {
    waitMs(uid, node) {
      let nodes = byDaemonSet.get(uid);
      if (nodes === undefined) byDaemonSet.set(uid, (nodes = new Map()));
      const now = time.monotonic();
      const last = nodes.get(node);
      if (last !== undefined && now - last.sinceMs < last.delayMs) return last.sinceMs + last.delayMs - now;
      const isLongAgo = last === undefined || now - last.sinceMs > 2 * MAX_MS;
      nodes.set(node, { delayMs: isLongAgo ? INITIAL_MS : Math.min(MAX_MS, last.delayMs * 2), sinceMs: now });
      return 0;
    },
    forget: (uid) => void byDaemonSet.delete(uid),
  };
}
