/** What the rules judge by: the journal of the clients, and the log. */
import type { Journal } from './journal.js';
import type { LogIndex } from './log-index.js';

export interface Evidence {
  readonly journal: Pick<Journal, 'calls' | 'sessions' | 'originMs'>;
  readonly log: LogIndex;
}
