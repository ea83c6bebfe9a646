/** What storage is told about a write besides the object: who, why, under which leadership, and until when. */
import type { Revision } from '@periplus/api/meta';
import type { Actor, Cause } from '@periplus/log/object-events';
import type { TransactionDraft } from './transaction-draft.js';

export interface WriteContext {
  /** A retry with the same id gets the first outcome. */
  readonly requestId: string;
  readonly actor: Actor;
  readonly changeId: string;
  readonly cause?: Cause;
  readonly fence?: { readonly election: string; readonly revision: Revision };
  readonly traceparent?: string;
  /** `status`, `scale` …: through what the write came. */
  readonly subresource?: string;
  /** Nothing is written; the answer is what would have been stored. */
  readonly dryRun: boolean;
  /** The transaction that collects the writes in place of the log; the answer is as of a dry run. */
  readonly draft?: TransactionDraft;
  /** By the monotonic clock. */
  readonly deadline: number;
}
