/**
 * Which requests wrote before the window began: from the snapshot that the cache started with, and of changes that have left the
 * window. What they wrote is in history; that they wrote is known here without asking it for each request.
 * Invariant: the oldest first; none is older than `ageMs` at the last trim, and there are at most `max`.
 */

export interface RecentRequest {
  readonly requestId: string;
  /** When the log took what it wrote. */
  readonly timestampMs: number;
}

export interface RecentRequests {
  /** In the order of the log. */
  note(requestId: string, timestampMs: number): void;
  has(requestId: string): boolean;
  trim(nowMs: number): void;
}

export function createRecentRequests(limits: { readonly ageMs: number; readonly max: number }): RecentRequests {
  const times = new Map<string, number>();

  return {
    note(requestId, timestampMs) {
      times.delete(requestId);
      times.set(requestId, timestampMs);
    },
    has: (requestId) => times.has(requestId),
    trim(nowMs) {
      for (const [requestId, timestampMs] of times) {
        if (times.size <= limits.max && timestampMs >= nowMs - limits.ageMs) return;
        times.delete(requestId);
      }
    },
  };
}
