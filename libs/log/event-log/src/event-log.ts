/**
 * The port to the log: append with an expectation, read, follow. Implementations are `JetStreamLog` and the in-memory model.
 *
 * Invariants every implementation keeps (the contract suite in `testing.ts` checks them):
 * revisions of a stream are 1, 2, 3, … in append order; an atomic append gets consecutive revisions and no reader
 * sees part of it as committed before the rest is readable; an appended entry is durable before `append` resolves.
 */
import type { Revision } from '@periplus/api/meta';

/** `objects` holds everything but Leases and the Event kind, which have streams of their own. Revisions compare within a stream only. */
export type StreamName = 'objects' | 'leases' | 'events';

/** Dot-separated tokens, each escaped by `log/object-events`. */
export type Subject = string;

export interface Append {
  readonly subject: Subject;
  readonly payload: Uint8Array;
  /** Compare-and-set: the last revision on this subject; 0 = the subject has none. Absent = no expectation. */
  readonly expected?: Revision;
  /** Fencing: refuse unless the last revision on another subject is this one. */
  readonly fence?: { readonly subject: Subject; readonly revision: Revision };
  /** Seconds to live, for the `events` stream. Expiry appends a marker entry (`entry.marker`). */
  readonly ttlSeconds?: number;
}

export type AppendOutcome =
  /** Durable; one revision an append, in order and consecutive. */
  | { readonly outcome: 'appended'; readonly revisions: readonly Revision[] }
  /**
   * An expectation or fence did not hold, or was not looked at: a replicated log refuses it while another append on the subject
   * is under way, and one of its servers that was deposed refuses it by what it has. Nothing of the batch was appended.
   */
  | { readonly outcome: 'conflict' }
  /** The answer was lost; the batch is in the log whole or not at all. Settle it by reading what follows. */
  | { readonly outcome: 'unknown'; readonly cause: Error };

export interface LogEntry {
  readonly stream: StreamName;
  readonly revision: Revision;
  readonly subject: Subject;
  /** Empty for a marker. Owned by the receiver (never a view on a receive buffer). */
  readonly payload: Uint8Array;
  /** Server time of the append, milliseconds since the epoch. */
  readonly timestampMs: number;
  /** The entry says that the subject's last message expired. */
  readonly marker?: 'expired';
  /** When the entry will be gone, milliseconds since the epoch; only of one that was appended with `ttlSeconds`. */
  readonly expiresAtMs?: number;
}

/** A follower gets entries in order and exactly once each; `close` stops it, and is idempotent. */
export interface Follower {
  close(): void;
}

export interface FollowHandler {
  /** Called with one or more consecutive entries, never concurrently with itself: the next call waits for the promise. */
  onEntries(entries: readonly LogEntry[]): void | Promise<void>;
  /**
   * Everything that is retained up to `revision` was delivered. Called at least when the follower has reached the end and
   * the entries before it are gone (expired, purged), so that nobody waits for what will never come. Never during `onEntries`.
   */
  onProgress?(revision: Revision): void;
  /**
   * The connection was lost for good, the handler threw, or the log is not the one that was followed any more (`LogRewoundError`);
   * the follower is closed. Transient losses are healed inside.
   */
  onError(error: Error): void;
}

/**
 * The log has lost entries that it had given out, and gives their revisions to others: a disk that forgot, or a damaged end that
 * was cut off. Who has seen them begins anew with what the log says.
 */
export class LogRewoundError extends Error {
  readonly code = 'LOG_REWOUND';
}

export class LogUnavailableError extends Error {
  readonly code = 'LOG_UNAVAILABLE';
}

/** The log has no room for more; nothing was appended. What is there can be read. */
export class LogFullError extends Error {
  readonly code = 'LOG_FULL';
}

export interface EventLog {
  /**
   * Appends all of `batch` atomically, or nothing. At most 1,000 appends, all in one stream, one a subject.
   * Rejects with `LogUnavailableError` when nothing was sent (safe to retry), with `LogFullError` when there is no room.
   */
  append(stream: StreamName, batch: readonly Append[]): Promise<AppendOutcome>;
  /**
   * The bound of a consistent read: at or behind everything that was acknowledged to anybody before the call. A replicated log
   * appends a barrier to know it. Rejects with `LogUnavailableError`.
   */
  lastRevision(stream: StreamName): Promise<Revision>;
  /** The last revision as the server that answers has it, which may be behind: to measure by, and nothing else. */
  observedRevision(stream: StreamName): Promise<Revision>;
  /** First retained revision, or what was it before: entries may be gone by now, but none has come back. */
  firstRevision(stream: StreamName): Promise<Revision>;
  /** The entry at a revision; undefined when purged or not there yet, by the server that answers. */
  entry(stream: StreamName, revision: Revision): Promise<LogEntry | undefined>;
  /** The last revision on one subject, as true as `lastRevision`; 0 when it has none. */
  lastRevisionOf(stream: StreamName, subject: Subject): Promise<Revision>;
  /** The first retained entry at or after `from` whose subject is `filter`, or begins with it when it ends in `.>`. */
  nextEntry(stream: StreamName, filter: Subject, from: Revision): Promise<LogEntry | undefined>;
  /**
   * Removes the subject's entries before `below` for good, oldest first: what a crash leaves of them has no gap.
   * Says how many went; may be repeated. What is at or above `below` stays, and revisions are never given out again.
   * Rejects with `LogUnavailableError` when it is not known to be done.
   */
  purge(stream: StreamName, subject: Subject, below: Revision): Promise<number>;
  /** Follows from `from` (inclusive; purged revisions are skipped) for ever. */
  follow(stream: StreamName, from: Revision, handler: FollowHandler): Follower;
  close(): Promise<void>;
}
