/** Rows read back as what they were made from. */
import { type Revision, toRevision } from '@periplus/api/meta';
import type { StreamName, Subject } from '@periplus/log/event-log';
import { type ObjectEvent, viewObjectEvent } from '@periplus/log/object-events';

/** An entry as the projection keeps it. Confidential objects are sealed in it: the reader opens them. */
export interface StoredEvent {
  readonly stream: StreamName;
  readonly subject: Subject;
  readonly revision: Revision;
  /** The end of the transaction it came with. */
  readonly commitRevision: Revision;
  readonly timestampMs: number;
  /** When the log drops the entry; known of a snapshot's rows only. */
  readonly expiresAtMs?: number;
  readonly event: ObjectEvent;
}

/** One change of an object with the state before, as a watch needs it. */
export interface StoredChange {
  readonly entry: StoredEvent;
  /** Absent when the object was new. */
  readonly previous?: StoredEvent;
}

/** What an entry's columns are when read. */
export interface EntryRow {
  readonly stream: StreamName;
  readonly subject: string;
  readonly revision: number;
  readonly commit_revision: number;
  readonly appended_ms: number;
  readonly entry: Buffer;
  readonly expires_ms?: number | null;
}

/** The projection holds what it can't have been given: it is to be built anew. */
export class ProjectionDamagedError extends Error {
  readonly code = 'PROJECTION_DAMAGED';
}

export function toStoredEvent(row: EntryRow): StoredEvent {
  const decoded = viewObjectEvent(row.entry);
  if (decoded.outcome === 'malformed')
    throw new ProjectionDamagedError(`${row.stream} ${row.revision} in Postgres is malformed: ${decoded.reason}`);
  return {
    stream: row.stream,
    subject: row.subject,
    revision: toRevision(row.revision),
    commitRevision: toRevision(row.commit_revision),
    timestampMs: row.appended_ms,
    ...(row.expires_ms ? { expiresAtMs: row.expires_ms } : {}),
    event: decoded.event,
  };
}
