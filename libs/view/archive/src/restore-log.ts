/**
 * Fills an empty log with what a file holds, up to the survey's cut: the same entries in the same order at new revisions.
 *
 * What an entry says of other revisions (its parent, its cause) is said in new ones, and it keeps where it came from and when.
 * System entries belonged to the old log and stay behind: leaderships and barriers are over, and floors are written anew for
 * what the file lacks. The last entry says that all before it was restored.
 */
import { type Revision, toRevision } from '@periplus/api/meta';
import type { Time } from '@periplus/base/clock';
import type { Append, EventLog, LogEntry, StreamName } from '@periplus/log/event-log';
import {
  decodeObjectEvent,
  encodeObjectEvent,
  floorSubject,
  type ObjectEvent,
  relocateEntry,
  restoreSubject,
  streamOf,
  streamOfSubject,
  type SystemEntry,
  systemEvent,
  type Transaction,
} from '@periplus/log/object-events';
import { timeOfEntry } from '@periplus/view/projection';
import { createAppendQueue, type AppendQueue } from './append-queue.js';
import type { ArchiveFile } from './archive-file.js';
import { createRevisionMap, type RevisionMap } from './revision-map.js';
import { readSaved, type SavedEntry } from './saved-commits.js';
import type { ArchiveSurvey } from './survey-archive.js';

export interface RestoreProgress {
  readonly entries: number;
  /** Of `objects`; expected. */
  readonly total: number;
}

export interface RestoreOptions {
  readonly file: ArchiveFile;
  readonly survey: ArchiveSurvey;
  /** Its streams have their genesis and nothing else. */
  readonly log: Pick<EventLog, 'append' | 'firstRevision' | 'lastRevision'>;
  readonly time: Time;
  readonly onProgress?: (progress: RestoreProgress) => void;
}

export interface RestoreOutcome {
  /** Entries of `objects` that were carried over, and Events that are still alive. */
  readonly entries: number;
  readonly events: number;
  /** The restored history's end in the new log. */
  readonly revision: Revision;
  readonly firstRevision: Revision;
}

/** What is restored of an Event must live a moment at least. */
const ttlMsMin = 2_000;

interface Place {
  readonly clusterId: string;
  readonly maps: Readonly<Partial<Record<StreamName, RevisionMap>>>;
}

/** The entry's payload at its new place; what nobody can read stays as it is. */
function relocate(entry: LogEntry, event: ObjectEvent | undefined, transaction: Transaction | undefined, place: Place) {
  if (event === undefined) return entry.payload;
  const { clusterId, maps } = place;
  const { cause, parent } = event;
  return relocateEntry(entry.payload, {
    parent: maps[entry.stream]?.get(parent) ?? toRevision(0),
    causeRevision: (cause && maps[streamOf(cause.key)]?.get(cause.revision)) ?? toRevision(0),
    ...(transaction ? { transaction } : {}),
    restored: event.restored ?? { clusterId, revision: entry.revision, timestampMs: entry.timestampMs },
  });
}

/** What of a commit is carried over: all but system entries, and objects whose end nobody has. */
function carried(commit: readonly SavedEntry[], gone: ArchiveSurvey['gone']): readonly SavedEntry[] {
  return commit.filter(
    ({ entry: { stream, subject, revision }, change }) =>
      change.type !== 'system' && subject.startsWith(`${stream}.`) && revision > (gone.get(subject) ?? 0),
  );
}

const eventOf = ({ change }: SavedEntry): ObjectEvent | undefined =>
  change.type === 'put' || change.type === 'delete' ? change.event : undefined;

export async function restoreLog(options: RestoreOptions): Promise<RestoreOutcome> {
  const { file, survey, log, time, onProgress } = options;
  const { archive, header, cut, floors } = survey;
  const objects = await createAppendQueue(log, 'objects');
  const events = await createAppendQueue(log, 'events');
  const maps = { objects: createRevisionMap(), events: createRevisionMap() };
  const place: Place = { clusterId: header.clusterId, maps };
  const firstRevision = objects.next;
  let entries = 0;
  let liveEvents = 0;

  async function addCommit(commit: readonly SavedEntry[]): Promise<void> {
    const kept = carried(commit, survey.gone);
    if (kept.length === 0) return;
    await objects.makeRoom(kept.map(({ entry }) => entry));
    for (const [index, saved] of kept.entries()) {
      const { entry } = saved;
      const event = eventOf(saved);
      // Entries of a transaction may have been purged: what is left is one of its own.
      const transaction = event?.transaction && { id: event.transaction.id, index, count: kept.length };
      maps.objects.add(entry.revision, objects.next);
      objects.add({ subject: entry.subject, payload: relocate(entry, event, transaction, place) });
    }
    entries += kept.length;
    onProgress?.({ entries, total: survey.entries });
  }

  async function addEvent(entry: LogEntry): Promise<void> {
    if (entry.marker !== undefined || streamOfSubject(entry.subject) !== 'events') return;
    const decoded = decodeObjectEvent(entry.payload);
    const event = decoded.outcome === 'event' ? decoded.event : undefined;
    const appendedMs = timeOfEntry(entry, decoded);
    const lifeMs = entry.expiresAtMs === undefined ? undefined : entry.expiresAtMs - time.now();
    const isOver = lifeMs !== undefined && lifeMs < ttlMsMin;
    if (event?.verb === 'system' || appendedMs > cut.timeMs || isOver) return;
    await events.makeRoom([entry]);
    maps.events.add(entry.revision, events.next);
    events.add({
      subject: entry.subject,
      payload: relocate(entry, event, event?.transaction, place),
      ...(lifeMs === undefined ? {} : { ttlSeconds: Math.ceil(lifeMs / 1_000) }),
    });
    liveEvents += 1;
  }

  async function addSystem(queue: AppendQueue, subject: string, entry: SystemEntry): Promise<void> {
    const append: Append = { subject, payload: encodeObjectEvent(systemEvent(entry, '', time)) };
    await queue.makeRoom([append]);
    queue.add(append);
  }

  await readSaved(file, archive, {
    onCommit: (commit) => (commit[commit.length - 1]!.entry.revision <= cut.revision ? addCommit(commit) : undefined),
    onEvent: addEvent,
  });
  for (const [scope, { revision, timeMs }] of floors) {
    const known = toRevision(Math.min(revision, cut.revision));
    const floor = toRevision(Math.max(firstRevision - 1, maps.objects.floor(known)));
    await addSystem(objects, floorSubject('objects', scope), { type: 'floor', revision: floor, scope, timeMs });
  }
  const { clusterId } = header;
  for (const queue of [objects, events])
    await addSystem(queue, restoreSubject(queue.stream), {
      type: 'restore',
      clusterId,
      revision: queue.stream === 'objects' ? cut.revision : survey.mark.positions.events.position,
      timeMs: Math.round(cut.timeMs),
    });
  const revision = toRevision(objects.next - 1);
  await objects.flush();
  await events.flush();
  return { entries, events: liveEvents, revision, firstRevision };
}
