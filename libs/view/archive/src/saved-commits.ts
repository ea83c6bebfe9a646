/** Reads a file's entries, each stream in order; those of `objects` as whole transactions. */
import type { Revision } from '@periplus/api/meta';
import type { LogEntry } from '@periplus/log/event-log';
import { decodeObjectEvent } from '@periplus/log/object-events';
import { type Change, type Commit, emptyFold, evolveFold, timeOfEntry } from '@periplus/view/projection';
import { ArchiveError, type ArchiveFile } from './archive-file.js';
import { decodeEntry, decodeGone, decodeMark, type Gone, type Mark } from './archive-messages.js';
import { scanFrames } from './frame-scan.js';
import type { Archive } from './open-archive.js';

/** An entry whose object was not looked into: what matters here is in the envelope. */
export interface SavedEntry {
  readonly entry: LogEntry;
  readonly change: Change;
}

export interface SavedReader {
  /** A transaction as far as it was in the log, or a single entry. */
  onCommit?(entries: readonly SavedEntry[]): void | Promise<void>;
  onEvent?(entry: LogEntry): void | Promise<void>;
  onGone?(gone: Gone): void;
  onMark?(mark: Mark): void;
  /** After each portion; both in bytes of the file. */
  onProgress?(done: number, total: number): void;
}

function toChange(entry: LogEntry): Change {
  const { stream, revision, subject, payload } = entry;
  const decoded = decodeObjectEvent(payload);
  const position = { stream, revision, subject, timestampMs: timeOfEntry(entry, decoded) };
  if (decoded.outcome === 'malformed') return { ...position, type: 'quarantined', reason: decoded.reason, payload };
  const { event } = decoded;
  if (event.verb === 'system') return { ...position, type: 'system', event, payload };
  return { ...position, type: event.verb === 'delete' ? 'delete' : 'put', key: event.key, event, payload };
}

/** Up to the last mark. Rejects with an `ArchiveError` that names the place. */
export async function readSaved(file: ArchiveFile, archive: Archive, reader: SavedReader): Promise<void> {
  let fold = emptyFold;
  const last: Record<string, Revision | undefined> = { objects: undefined, events: undefined };
  const savedOf = new Map<Change, SavedEntry>();

  async function give(commits: readonly Commit[]): Promise<void> {
    for (const { changes } of commits) {
      const entries = changes.map((change) => savedOf.get(change)!);
      for (const change of changes) savedOf.delete(change);
      await reader.onCommit?.(entries);
    }
  }

  async function take(entry: LogEntry, offset: number): Promise<void> {
    const { stream, revision } = entry;
    const before = last[stream];
    if (before !== undefined && revision <= before)
      throw new ArchiveError(
        'ARCHIVE_DAMAGED',
        `damaged at byte ${offset}: ${stream} ${revision} comes after ${before}`,
      );
    last[stream] = revision;
    if (stream === 'events') await reader.onEvent?.(entry);
    if (stream !== 'objects') return;
    const change = toChange(entry);
    savedOf.set(change, { entry, change });
    const step = evolveFold(fold, change);
    fold = step.state;
    await give(step.commits);
  }

  /** A transaction whose last entries had been purged: nothing that belongs to it can come any more. */
  async function endTransaction(): Promise<void> {
    const { open } = fold;
    fold = emptyFold;
    if (open !== undefined)
      await give([{ revision: open.changes[open.changes.length - 1]!.revision, changes: open.changes }]);
  }

  const stop = await scanFrames(file, archive.start, archive.end, async (frames) => {
    for (const { kind, payload, offset } of frames) {
      if (kind === 'entry') {
        const entry = decodeEntry(payload);
        if (entry !== undefined) await take(entry, offset);
      } else if (kind === 'gone') reader.onGone?.(decodeGone(payload));
      else if (kind === 'mark') {
        await endTransaction();
        reader.onMark?.(decodeMark(payload));
      }
    }
    reader.onProgress?.(frames[frames.length - 1]!.end, archive.end);
  });
  if (stop.problem !== undefined)
    throw new ArchiveError('ARCHIVE_DAMAGED', `damaged at byte ${stop.offset}: ${stop.problem}`);
}
