/** What JetStream's answer to a publish means; pure. */
import { toRevision } from '@periplus/api/meta';
import { type AppendOutcome, LogFullError, LogUnavailableError } from '@periplus/log/event-log';

/** The log will never take this append, however often it is tried. */
export class AppendRefusedError extends Error {
  readonly code = 'APPEND_REFUSED';
}

/** "wrong last sequence", with and without the sequence. */
const conflictCodes: ReadonlySet<number> = new Set([10071, 10164]);
/** The server's, the account's or the stream's bound of what may be stored is reached. */
export const fullCodes: ReadonlySet<number> = new Set([10023, 10047, 10077]);
/** Message larger than the stream takes; atomic publish not enabled; message TTL not enabled. */
const refusedCodes: ReadonlySet<number> = new Set([10054, 10174, 10166]);

interface PublishAnswer {
  readonly seq?: number;
  readonly error?: { readonly code?: number; readonly err_code?: number; readonly description?: string };
}

/**
 * @param count the appends, which were followed by `guards` entries of ours in the same batch.
 * Throws `LogUnavailableError` when nothing was stored and a retry may help, `LogFullError` when there is no room, else
 * `AppendRefusedError`.
 */
export function toAppendOutcome(answer: string, count: number, guards: number): AppendOutcome {
  const { seq, error } = JSON.parse(answer) as PublishAnswer;
  if (error === undefined) {
    if (seq === undefined) throw new LogUnavailableError(`an answer without a sequence: ${answer.slice(0, 200)}`);
    const first = seq - guards - count + 1;
    return { outcome: 'appended', revisions: Array.from({ length: count }, (_, index) => toRevision(first + index)) };
  }
  const errorCode = error.err_code ?? 0;
  if (conflictCodes.has(errorCode)) return { outcome: 'conflict' };
  const message = `NATS refused an append: ${error.description ?? ''} (${errorCode})`;
  if (fullCodes.has(errorCode)) throw new LogFullError(`NATS has no room: ${error.description ?? ''} (${errorCode})`);
  throw refusedCodes.has(errorCode) ? new AppendRefusedError(message) : new LogUnavailableError(message);
}
