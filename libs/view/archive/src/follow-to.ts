/** Reads a stream from one revision to another, with as much patience as a log that is away deserves. */
import { type Revision, toRevision } from '@periplus/api/meta';
import type { CancelTimer, Timers } from '@periplus/base/clock';
import { type EventLog, type LogEntry, LogUnavailableError, type StreamName } from '@periplus/log/event-log';

export interface FollowToOptions {
  readonly log: Pick<EventLog, 'follow'>;
  readonly stream: StreamName;
  readonly from: Revision;
  readonly to: Revision;
  readonly timers: Timers;
  readonly signal?: AbortSignal;
  /** How long nothing may come before the log is given up. */
  readonly silenceLimitMs: number;
  readonly onEntries: (entries: readonly LogEntry[]) => void | Promise<void>;
}

/** Resolves when all that is retained from `from` to `to` was handed over. Rejects with `LogUnavailableError`. */
export function followTo(options: FollowToOptions): Promise<void> {
  const { log, stream, from, to, timers, signal, silenceLimitMs } = options;
  if (from > to) return Promise.resolve();
  return new Promise((resolve, reject) => {
    let cancel: CancelTimer | undefined;
    const finish = (settle: () => void): void => {
      cancel?.();
      signal?.removeEventListener('abort', abort);
      follower.close();
      settle();
    };
    const fail = (error: Error): void => finish(() => reject(error));
    const abort = (): void => fail(new LogUnavailableError('reading the log was given up'));
    const expectMore = (): void => {
      cancel?.();
      const seconds = silenceLimitMs / 1_000;
      cancel = timers.after(silenceLimitMs, () =>
        fail(new LogUnavailableError(`the log said nothing of ${stream} for ${seconds} s`)),
      );
    };
    const follower = log.follow(stream, from, {
      async onEntries(entries) {
        expectMore();
        const wanted = entries.filter((entry) => entry.revision <= to);
        if (wanted.length > 0) await options.onEntries(wanted);
        if (entries[entries.length - 1]!.revision >= to) finish(resolve);
      },
      onProgress(revision) {
        if (revision >= to) finish(resolve);
      },
      onError: fail,
    });
    signal?.addEventListener('abort', abort, { once: true });
    expectMore();
    if (signal?.aborted) abort();
  });
}

export const after = (revision: Revision): Revision => toRevision(revision + 1);
