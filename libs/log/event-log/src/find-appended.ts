/**
 * Finds a batch in the log by its payloads, each of which carries a request id that no other has. One is enough: a batch is in
 * the log whole, with consecutive revisions, though some of its entries may have been overwritten or purged since.
 */
import { type Revision, toRevision } from '@periplus/api/meta';
import type { Timers } from '@periplus/base/clock';
import { type Append, type EventLog, LogUnavailableError, type StreamName } from './event-log.js';

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/**
 * The revisions of `batch` if it is in the log behind `after`; undefined when the log, read to what was its end at the call,
 * does not have it. Rejects with `LogUnavailableError` when that can't be read within `limitMs`.
 */
export async function findAppended(
  log: EventLog,
  stream: StreamName,
  batch: readonly Append[],
  after: Revision,
  timers: Timers,
  limitMs: number,
): Promise<readonly Revision[] | undefined> {
  const last = await log.lastRevision(stream);
  if (last <= after) return undefined;
  const indexOf = new Map(batch.map((append, index) => [append.subject, index] as const));
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      cancel();
      follower.close();
    };
    const finish = (revisions: readonly Revision[] | undefined): void => {
      stop();
      resolve(revisions);
    };
    const fail = (error: Error): void => {
      stop();
      reject(error);
    };
    const cancel = timers.after(Math.max(0, limitMs), () =>
      fail(new LogUnavailableError('the log could not be read in time')),
    );
    const follower = log.follow(stream, toRevision(after + 1), {
      onEntries(entries) {
        for (const { subject, payload, revision } of entries) {
          const index = indexOf.get(subject);
          if (index === undefined || !sameBytes(batch[index]!.payload, payload)) continue;
          finish(batch.map((_, at) => toRevision(revision - index + at)));
          return;
        }
        if (entries.some((entry) => entry.revision >= last)) finish(undefined);
      },
      onProgress(revision) {
        if (revision >= last) finish(undefined);
      },
      onError: fail,
    });
  });
}
