/** Reads a stream from its first entry to a revision, portion by portion. */
import { type Revision, toRevision } from '@periplus/api/meta';
import type { EventLog, LogEntry, StreamName } from '@periplus/log/event-log';

/** The log gave nothing more for this long. */
const silenceMs = 30_000;

export class LogSilentError extends Error {
  readonly code = 'LOG_SILENT';
}

/** Waits for `onEntries` before it reads on. Gaps are what the log has purged. */
export async function readLog(
  log: EventLog,
  stream: StreamName,
  from: Revision,
  upTo: Revision,
  onEntries: (entries: readonly LogEntry[]) => void | Promise<void>,
): Promise<void> {
  if (upTo < from) return;
  await new Promise<void>((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      follower.close();
      settle();
    };
    const expectMore = (): void => {
      clearTimeout(timer);
      timer = setTimeout(
        () => end(() => reject(new LogSilentError(`${stream} gave nothing for ${silenceMs / 1_000} s`))),
        silenceMs,
      );
    };
    const follower = log.follow(stream, from, {
      async onEntries(entries) {
        clearTimeout(timer);
        await onEntries(entries.filter(({ revision }) => revision <= upTo));
        if ((entries.at(-1)?.revision ?? 0) >= upTo) end(resolve);
        else expectMore();
      },
      onProgress(revision) {
        if (revision >= upTo) end(resolve);
      },
      onError: (error) => end(() => reject(error)),
    });
    expectMore();
  });
}

export const firstRevision = toRevision(1);
