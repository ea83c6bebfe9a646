/**
 * One run of a back-up: appends to the file what the log has had since the file's last mark, and a new mark.
 *
 * Nothing is missing up to the mark. While the run reads, a compactor may purge what it has not read yet; but a floor is appended
 * before anything goes, so the run reads on until no floor came after what it has read, and the file has every floor that
 * explains a hole; what it has of objects whose end went unread is noted as gone. A file that goes on from an earlier mark would
 * have to be searched whole for those: a floor of a resource above that mark ends the run.
 */
import { createHash } from 'node:crypto';
import { type Revision, toRevision } from '@periplus/api/meta';
import type { Time } from '@periplus/base/clock';
import type { EventLog, LogEntry, StreamName } from '@periplus/log/event-log';
import { decodeObjectEvent, floorSubject, parseFloorScope, type SystemEntry } from '@periplus/log/object-events';
import { ArchiveError, type ArchiveFile } from './archive-file.js';
import { encodeEntry, encodeGone, encodeHeader, encodeMark, type Header, type Mark } from './archive-messages.js';
import { addMark, createArchiveWriter } from './archive-writer.js';
import { findVanished } from './find-vanished.js';
import { after, followTo } from './follow-to.js';
import { type Archive, archiveMagic, openArchive } from './open-archive.js';

export type SavedLog = Pick<EventLog, 'follow' | 'lastRevision' | 'firstRevision' | 'entry' | 'nextEntry'>;

export interface SaveProgress {
  readonly stream: StreamName;
  readonly revision: Revision;
  /** Where the run wants to get. */
  readonly target: Revision;
  readonly entries: number;
  readonly bytes: number;
}

export interface SaveOptions {
  readonly log: SavedLog;
  readonly file: ArchiveFile;
  readonly clusterId: string;
  /** For a new file: what its header notes. */
  readonly notes: Readonly<Record<string, string>>;
  readonly time: Time;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SaveProgress) => void;
  /** Saves the keys of all entries that were read, before the mark says that they are there. */
  readonly saveKeys?: (header: Header) => Promise<void>;
}

export interface SaveOutcome {
  readonly mark: Mark;
  /** Of `objects`, where the run began: 0 for a new file. */
  readonly from: Revision;
  /** New ones. */
  readonly entries: number;
  readonly bytes: number;
  /** New entries that nobody can read: they are kept as they are. */
  readonly unreadable: number;
  /** Bytes of a run that had not ended, which were cut off. */
  readonly torn: number;
}

const silenceLimitMs = 60_000;

/** What tells this log from another of the same name: its first entry and when that was appended. */
export async function genesisOf(log: Pick<SavedLog, 'firstRevision' | 'entry'>): Promise<Uint8Array> {
  const first = await log.entry('objects', await log.firstRevision('objects'));
  if (first === undefined) throw new ArchiveError('OTHER_LOG', 'the log has no first entry');
  return createHash('sha256').update(first.payload).update(`${first.timestampMs}`).digest();
}

/** Cuts off what is torn, or begins the file. */
async function prepare(
  options: SaveOptions,
  genesis: Uint8Array,
): Promise<{ readonly archive: Archive; readonly torn: number }> {
  const { file, clusterId, notes, time } = options;
  const opened = await openArchive(file);
  if (opened === undefined) {
    const torn = await file.size();
    await file.truncate(0);
    const header = { clusterId, createdMs: time.now(), genesis, notes };
    await file.write(0, archiveMagic);
    const writer = createArchiveWriter(file, archiveMagic.length);
    writer.add('header', encodeHeader(header));
    await writer.sync();
    return { archive: { header, start: writer.offset, end: writer.offset, torn: 0 }, torn };
  }
  const { header, mark, end, torn } = opened;
  if (header.clusterId !== clusterId)
    throw new ArchiveError('OTHER_LOG', `it is of the cluster ${header.clusterId}, not of ${clusterId}`);
  if (Buffer.compare(header.genesis, genesis) !== 0)
    throw new ArchiveError(
      'OTHER_LOG',
      `it is of another cluster of the name ${clusterId}, or of this one before it was restored or made anew`,
    );
  const last = await options.log.lastRevision('objects');
  if (mark !== undefined && mark.positions.objects.position > last)
    throw new ArchiveError(
      'OTHER_LOG',
      `it has revision ${mark.positions.objects.position}, and the log ends at ${last}: the log was set back`,
    );
  if (torn > 0) await file.truncate(end);
  return { archive: opened, torn };
}

export async function saveLog(options: SaveOptions): Promise<SaveOutcome> {
  const { log, file, time, signal, onProgress, saveKeys } = options;
  const { archive, torn } = await prepare(options, await genesisOf(log));
  const before = archive.mark;
  const writer = createArchiveWriter(file, archive.end);
  const nothing = toRevision(0);
  const from = {
    objects: before?.positions.objects.position ?? nothing,
    events: before?.positions.events.position ?? nothing,
  };
  let entries = 0;
  let unreadable = 0;
  /** Where the last transaction that began ends. */
  let transactionEnd = 0;
  const started = await log.lastRevision('objects');
  /** Floors of resources that came while the run was reading what they let go of. */
  const overtaking = new Map<string, Revision>();

  function inspectFloor({ revision, scope }: SystemEntry & { readonly type: 'floor' }, at: Revision): void {
    const parsed = parseFloorScope('objects', scope);
    // An object that was written too often is still there, or its end is: only its past has a hole.
    if (parsed?.type !== 'resource' || revision <= from.objects) return;
    if (before !== undefined)
      throw new ArchiveError(
        'HISTORY_GONE',
        `it goes up to revision ${from.objects}, and the log has forgotten ${scope} up to revision ${revision}`,
      );
    if (at > started) overtaking.set(scope, revision);
  }

  function inspect(entry: LogEntry): void {
    if (entry.marker !== undefined) return;
    const decoded = decodeObjectEvent(entry.payload);
    if (decoded.outcome === 'malformed') {
      unreadable += 1;
      return;
    }
    const { system, transaction } = decoded.event;
    if (transaction !== undefined) transactionEnd = entry.revision - transaction.index + transaction.count - 1;
    if (system?.type === 'floor') inspectFloor(system, entry.revision);
  }

  /** From behind `done` to `target`; says where it is then. */
  async function save(stream: 'objects' | 'events', done: Revision, target: Revision): Promise<Revision> {
    await followTo({
      log,
      stream,
      from: after(done),
      to: target,
      timers: time,
      signal,
      silenceLimitMs,
      async onEntries(portion) {
        for (const entry of portion) {
          if (stream === 'objects') inspect(entry);
          writer.add('entry', encodeEntry(entry));
        }
        entries += portion.length;
        await writer.drain();
        const { revision } = portion[portion.length - 1]!;
        onProgress?.({ stream, revision, target, entries, bytes: writer.offset - archive.end });
      },
    });
    return target;
  }

  async function saveObjects(): Promise<Revision> {
    let done = from.objects;
    let target = started;
    for (;;) {
      done = await save('objects', done, target);
      if (transactionEnd > done) target = toRevision(transactionEnd);
      else {
        const floor = await log.nextEntry('objects', floorSubject('objects', '>'), after(done));
        if (floor === undefined) return done;
        target = await log.lastRevision('objects');
      }
    }
  }

  try {
    const objects = await saveObjects();
    if (overtaking.size > 0) {
      await writer.sync();
      const vanished = await findVanished(log, file, archive.start, writer.offset, overtaking);
      for (const gone of vanished) writer.add('gone', encodeGone(gone));
    }
    const events = await save('events', from.events, await log.lastRevision('events'));
    const positions: Mark['positions'] = {
      objects: { position: objects, last: await log.lastRevision('objects') },
      events: { position: events, last: await log.lastRevision('events') },
      leases: { position: nothing, last: await log.lastRevision('leases') },
    };
    await saveKeys?.(archive.header);
    const mark: Mark = {
      run: (before?.run ?? 0) + 1,
      timeMs: time.now(),
      positions,
      entries: (before?.entries ?? 0) + entries,
    };
    await addMark(writer, encodeMark(mark));
    const bytes = writer.offset - archive.end;
    return { mark, from: from.objects, entries, bytes, unreadable, torn };
  } catch (error) {
    // A full disk is better off without it. What can't be cut off now is cut off by the next run.
    await file.truncate(archive.end).catch(() => undefined);
    throw error;
  }
}
