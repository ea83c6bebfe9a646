/** Where a starting cache takes the current state from, so that it need not read the whole log; Postgres implements it. */
import type { Revision } from '@periplus/api/meta';
import type { StreamName, Subject } from '@periplus/log/event-log';
import type { ObjectEvent } from '@periplus/log/object-events';
import type { RecentRequest } from './recent-requests.js';

/** The last entry of a subject: an object, a tombstone or a system entry. */
export interface SnapshotRow {
  readonly subject: Subject;
  readonly revision: Revision;
  readonly timestampMs: number;
  /** When the log drops the entry. */
  readonly expiresAtMs?: number;
  readonly event: ObjectEvent;
}

/** The last entry of a subject is one that nobody can read; its row, if it has one, is that of an older entry. */
export interface DamagedRow {
  readonly subject: Subject;
  readonly revision: Revision;
}

export interface Snapshot {
  /** The state is the stream's fold up to here, a transaction's end. */
  readonly revision: Revision;
  /** From the stream's genesis; a snapshot of another cluster is not used. */
  readonly clusterId: string;
  readonly damaged: readonly DamagedRow[];
  /** What wrote last, in the order of the log: a request that is repeated after the start is known by it. */
  readonly requests: readonly RecentRequest[];
}

/** How many of a snapshot's requests are wanted. */
export interface RequestLimits {
  /** Not longer before the snapshot's last entry. */
  readonly ageMs: number;
  readonly max: number;
}

export interface SnapshotSource {
  /**
   * Gives the rows in portions to `onRows` and waits for it, all of one consistent state. Undefined when there is no snapshot;
   * rejects when it can't be read: the cache then starts from the log.
   */
  load(
    stream: StreamName,
    onRows: (rows: readonly SnapshotRow[]) => void | Promise<void>,
    requests: RequestLimits,
  ): Promise<Snapshot | undefined>;
}
