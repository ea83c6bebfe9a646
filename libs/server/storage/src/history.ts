/** The port to what the cache no longer has: older states and changes, from the projection. */
import type { ObjectKey, Revision } from '@periplus/api/meta';
import type { StreamName } from '@periplus/log/event-log';
import type { ResourceName, WatchChange } from '@periplus/view/watch-cache';
import type { StoredObject } from './stored-object.js';

/** One entry of an object's history. */
export interface HistoryItem {
  readonly revision: Revision;
  readonly verb: 'create' | 'update' | 'delete';
  readonly timeMicros: number;
  readonly user: string;
  readonly userAgent: string;
  readonly uid: string;
  readonly changeId: string;
  readonly subresource: string;
  /** Paths of the fields that differ from the revision before. */
  readonly changedFields: readonly string[];
}

/** A read of history at a revision: the state, or that history does not reach back so far. */
export type Past<T> = { readonly outcome: 'found'; readonly value: T } | { readonly outcome: 'purged' };

/** All methods reject with an error whose code is `HISTORY_UNAVAILABLE` while the projection can't be read or lags too far behind. */
export interface History {
  objectAt(key: ObjectKey, revision: Revision): Promise<Past<StoredObject | undefined>>;
  /** In the order of the cache's lists; all namespaces when `namespace` is absent. */
  listAt(resource: ResourceName, revision: Revision, namespace?: string): Promise<Past<readonly StoredObject[]>>;
  /** Changes with `after` < revision ≤ `upTo`, in order. */
  changes(
    resource: ResourceName,
    after: Revision,
    upTo: Revision,
    namespace?: string,
  ): Promise<Past<readonly WatchChange[]>>;
  /** The last revision appended at or before the time, with all that the stream had at `atLeast`; 0 when it was empty then. */
  revisionAtTime(stream: StreamName, timeMs: number, atLeast: Revision): Promise<Revision>;
  /** What a request wrote, however long ago. */
  writtenBy(requestId: string): Promise<StoredObject | undefined>;
  /** Newest first, with all that the stream had at `atLeast`. */
  entries(key: ObjectKey, limit: number, atLeast: Revision): Promise<readonly HistoryItem[]>;
}

export class HistoryUnavailableError extends Error {
  readonly code = 'HISTORY_UNAVAILABLE';
}

/** By its code: projections have errors of their own. */
export const isHistoryUnavailable = (error: unknown): boolean =>
  (error as { code?: unknown } | undefined)?.code === 'HISTORY_UNAVAILABLE';
