/** The port of writers to the log: single writes and transactions in, atomic batches out. */
import type { Revision } from '@periplus/api/meta';
import type { Append } from './event-log.js';

/** Of one write, or of one transaction as a whole. */
export type CommitOutcome =
  /** Durable; one revision a write, consecutive within a transaction. */
  | { readonly outcome: 'appended'; readonly revisions: readonly Revision[] }
  /** An expectation or fence did not hold; nothing of the unit was appended. */
  | { readonly outcome: 'conflict'; readonly on: 'expected' | 'fence' }
  /** The answer was lost and could not be settled by reading in time: it may be in the log, whole, or may still come. */
  | { readonly outcome: 'unknown'; readonly cause: Error };

/** More is waiting than may wait: answer 503, or try again later. Nothing was sent. */
export class CommitQueueFullError extends Error {
  readonly code = 'COMMIT_QUEUE_FULL';
}

export interface GroupCommitter {
  /**
   * Appends `unit` (one write, or a transaction of several on different subjects) atomically, in one batch with whatever
   * else waits. Units are sent in the order they were given, as far as their subjects overlap.
   * Rejects with `LogUnavailableError` or `CommitQueueFullError` when nothing was sent, safe to retry.
   */
  commit(unit: readonly Append[]): Promise<CommitOutcome>;
  /** The last revision of `subject` among our own writes that the view may not have yet. */
  ownRevision(subject: string): Revision | undefined;
  /** Refuses new writes and resolves when those in the queue are answered. */
  close(): Promise<void>;
}
