/** Appends to one stream in order, in batches as large as the log takes; nobody else may write to it meanwhile. */
import { type Revision, toRevision } from '@periplus/api/meta';
import type { Append, EventLog, StreamName } from '@periplus/log/event-log';
import { ArchiveError } from './archive-file.js';

export interface AppendQueue {
  readonly stream: StreamName;
  /** The revision that the next append gets. */
  readonly next: Revision;
  /** Sends what was collected, unless all of these fit in the same batch with it. */
  makeRoom(entries: readonly Pick<Append, 'subject' | 'payload'>[]): Promise<void>;
  add(append: Append): void;
  flush(): Promise<void>;
}

const batchMax = 200;
const batchBytesMax = 1024 * 1024;

/** Batches on their way: the log takes them in the order in which they were sent. */
const underwayMax = 16;

/** Rejects with an `ArchiveError` when the stream has more than its genesis. */
export async function createAppendQueue(
  log: Pick<EventLog, 'append' | 'firstRevision' | 'lastRevision'>,
  stream: StreamName,
): Promise<AppendQueue> {
  const first = await log.firstRevision(stream);
  const last = await log.lastRevision(stream);
  if (first !== last) throw new ArchiveError('LOG_NOT_EMPTY', `the new log has entries of ${stream} already`);
  let sent: number = last;
  let batch: Append[] = [];
  let subjects = new Set<string>();
  let bytes = 0;
  /** The oldest first. What fails is noticed when its turn comes. */
  const underway: Promise<void>[] = [];

  async function append(appends: readonly Append[], firstRevision: number): Promise<void> {
    const outcome = await log.append(stream, appends);
    if (outcome.outcome === 'unknown') throw outcome.cause;
    if (outcome.outcome === 'conflict' || outcome.revisions[0] !== firstRevision)
      throw new ArchiveError('LOG_NOT_EMPTY', `somebody else writes to ${stream} of the new log`);
  }

  async function send(): Promise<void> {
    if (batch.length === 0) return;
    const appending = append(batch, sent + 1);
    appending.catch(() => undefined);
    underway.push(appending);
    sent += batch.length;
    batch = [];
    subjects = new Set();
    bytes = 0;
    if (underway.length >= underwayMax) await underway.shift();
  }

  return {
    stream,
    get next() {
      return toRevision(sent + batch.length + 1);
    },
    async makeRoom(entries) {
      const size = entries.reduce((sum, { payload }) => sum + payload.length, 0);
      const fits =
        batch.length + entries.length <= batchMax &&
        bytes + size <= batchBytesMax &&
        entries.every(({ subject }) => !subjects.has(subject));
      if (!fits) await send();
    },
    add(added) {
      batch.push(added);
      subjects.add(added.subject);
      bytes += added.payload.length;
    },
    async flush() {
      await send();
      for (let oldest = underway.shift(); oldest !== undefined; oldest = underway.shift()) await oldest;
    },
  };
}
