/**
 * What the stream's window holds, over all resources: how far back a watch or an as-of read reaches.
 * Invariant: every change after `start` is still held by its resource's store, in the order of this window, unless the
 * resource's floor has passed it.
 */
import type { Revision } from '@periplus/api/meta';
import type { CachedState } from './cached-object.js';
import { createRecentRequests, type RecentRequest } from './recent-requests.js';
import type { ResourceStore } from './resource-store.js';

export interface WindowLimits {
  /** What is younger stays, unless the other two are exceeded. */
  readonly ageMs: number;
  readonly changesMax: number;
  /** Of the states that only the window keeps. */
  readonly bytesMax: number;
  /** What is older may stay as long as there are no more changes than this. */
  readonly changesMin: number;
}

export interface WindowItem {
  /** End of the transaction that the item belongs to. */
  readonly commitRevision: Revision;
  readonly timestampMs: number;
  /** Absent for what changed no object. */
  readonly store?: ResourceStore;
  readonly state?: CachedState;
  /** Size of the state that this change replaced. */
  readonly bytes: number;
}

export interface ChangeWindow {
  /** Everything after this is in the window. */
  readonly start: Revision;
  push(item: WindowItem): void;
  trim(nowMs: number): void;
  /** The past of a resource up to `floor` is gone: what the window holds of it goes too. */
  forget(store: ResourceStore, floor: Revision): void;
  /** The end of the last transaction appended at or before `timeMs`; undefined when that is before the window. */
  revisionAtTime(timeMs: number): Revision | undefined;
  writtenBy(requestId: string): CachedState | undefined;
  /** Whether a request wrote something that the window does not have any more, in its time before. */
  wroteBefore(requestId: string): boolean;
}

/** @param requests those that wrote shortly before the window, in the order of the log */
export function createChangeWindow(
  startRevision: Revision,
  limits: WindowLimits,
  requests: readonly RecentRequest[] = [],
): ChangeWindow {
  let items: WindowItem[] = [];
  let oldest = 0;
  let bytes = 0;
  let start = startRevision;
  const written = new Map<string, CachedState>();
  const before = createRecentRequests({ ageMs: limits.ageMs, max: limits.changesMax });
  for (const { requestId, timestampMs } of requests) before.note(requestId, timestampMs);

  function forgetState({ state, timestampMs }: WindowItem): void {
    const requestId = state?.event.requestId;
    if (requestId === undefined || written.get(requestId) !== state) return;
    written.delete(requestId);
    before.note(requestId, timestampMs);
  }

  function dropOldest(): void {
    const item = items[oldest]!;
    oldest += 1;
    bytes -= item.bytes;
    start = item.commitRevision;
    item.store?.dropUpTo(item.commitRevision);
    forgetState(item);
    if (oldest >= 1_024 && oldest * 2 >= items.length) {
      items = items.slice(oldest);
      oldest = 0;
    }
  }

  return {
    get start() {
      return start;
    },
    push(item) {
      items.push(item);
      bytes += item.bytes;
      const requestId = item.state?.event.requestId;
      if (requestId !== undefined && requestId !== '') written.set(requestId, item.state!);
    },
    trim(nowMs) {
      const isDue = (): boolean => {
        const count = items.length - oldest;
        if (count === 0) return false;
        if (count > limits.changesMax || bytes > limits.bytesMax) return true;
        return count > limits.changesMin && items[oldest]!.timestampMs < nowMs - limits.ageMs;
      };
      while (isDue()) dropOldest();
      // A transaction leaves whole: `start` is its end.
      while (oldest < items.length && items[oldest]!.commitRevision <= start) dropOldest();
      before.trim(nowMs);
    },
    forget(store, floor) {
      for (let at = oldest; at < items.length && items[at]!.commitRevision <= floor; at++) {
        const item = items[at]!;
        if (item.store !== store) continue;
        bytes -= item.bytes;
        forgetState(item);
        items[at] = { commitRevision: item.commitRevision, timestampMs: item.timestampMs, bytes: 0 };
      }
      store.dropUpTo(floor);
    },
    revisionAtTime(timeMs) {
      for (let at = items.length - 1; at >= oldest; at--)
        if (items[at]!.timestampMs <= timeMs) return items[at]!.commitRevision;
      return undefined;
    },
    writtenBy: (requestId) => written.get(requestId),
    wroteBefore: before.has,
  };
}
