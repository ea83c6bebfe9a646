/** Reads a whole file before anything is made of it: that it is sound, and what of it a restore would bring back. */
import { type Revision, toRevision } from '@periplus/api/meta';
import type { StreamName, Subject } from '@periplus/log/event-log';
import { parseFloorScope } from '@periplus/log/object-events';
import { ArchiveError, type ArchiveFile } from './archive-file.js';
import type { Header, Mark } from './archive-messages.js';
import { type Archive, openArchive } from './open-archive.js';
import { readSaved, type SavedEntry } from './saved-commits.js';

/** Which point in time is wanted. */
export type SavedPoint =
  | { readonly type: 'revision'; readonly revision: Revision }
  | { readonly type: 'time'; readonly timeMs: number };

export interface SavedMoment {
  readonly revision: Revision;
  /** The log's time there. */
  readonly timeMs: number;
}

export interface ArchiveSurvey {
  readonly archive: Archive;
  readonly header: Header;
  readonly mark: Mark;
  /** The moment that a restore brings back: the end of a transaction. */
  readonly cut: SavedMoment;
  /** From here on the file has every state of the cluster, but for `inexact`. */
  readonly earliest: SavedMoment;
  /** The last that the file has. */
  readonly latest: SavedMoment;
  /** Of `objects`, up to the cut. */
  readonly entries: number;
  /** By scope: what the log had forgotten before the file could have it. */
  readonly floors: ReadonlyMap<string, SavedMoment>;
  /** Objects, as scopes of floors, that were written so often that the log had forgotten what they were at the cut. */
  readonly inexact: readonly string[];
  /** Objects that are to be left out up to the revision. */
  readonly gone: ReadonlyMap<Subject, Revision>;
  /** Where the streams of a log begin that goes on from here. */
  readonly firstRevisions: Readonly<Record<StreamName, Revision>>;
}

/**
 * Clients have seen revisions that came after the file's last run. A thousand million of them are left out: more than a cluster
 * writes in ten days at a thousand a second.
 */
const marginRevisions = 1_000_000_000;

/** Round, so that people see where a restored log begins: 1,234 → 2,000,000,000. */
export function firstRevisionAbove(last: Revision): Revision {
  return toRevision((Math.ceil((last + 1) / marginRevisions) + 1) * marginRevisions);
}

const isWithin = (moment: SavedMoment, point: SavedPoint | undefined): boolean =>
  point === undefined ||
  (point.type === 'revision' ? moment.revision <= point.revision : moment.timeMs <= point.timeMs);

const describe = (moment: SavedMoment): string =>
  `revision ${moment.revision} of ${new Date(moment.timeMs).toISOString()}`;

/** Whether a floor at `moment` leaves the wanted state whole. */
function isExactAt(point: SavedPoint | undefined, moment: SavedMoment, cut: SavedMoment): boolean {
  if (point?.type === 'revision') return point.revision >= moment.revision;
  if (point?.type === 'time' && moment.timeMs > 0) return point.timeMs >= moment.timeMs;
  return cut.revision >= moment.revision;
}

/** Rejects with an `ArchiveError`: damaged, empty, or without the wanted point. */
export async function surveyArchive(
  file: ArchiveFile,
  to: SavedPoint | undefined,
  onProgress?: (done: number, total: number) => void,
): Promise<ArchiveSurvey> {
  const archive = await openArchive(file);
  if (archive?.mark === undefined) throw new ArchiveError('ARCHIVE_EMPTY', 'no run into it has ended');
  const { header, mark } = archive;
  const floors = new Map<string, SavedMoment>();
  const gone = new Map<Subject, Revision>();
  let first: SavedMoment | undefined;
  let latest: SavedMoment | undefined;
  let cut: SavedMoment | undefined;
  let entries = 0;
  let entriesToCut = 0;
  /** Where the run before ended. */
  let position = 0;

  /** What a floor lets go of is missing unless an earlier run had it. */
  function noteFloor({ change }: SavedEntry): void {
    const system = change.type === 'system' ? change.event.system : undefined;
    if (system?.type !== 'floor' || system.revision <= position) return;
    const { scope, revision, timeMs } = system;
    if (revision > (floors.get(scope)?.revision ?? 0)) floors.set(scope, { revision, timeMs });
  }

  await readSaved(file, archive, {
    onCommit(commit) {
      entries += commit.length;
      for (const saved of commit) noteFloor(saved);
      const { revision, timestampMs } = commit[commit.length - 1]!.change;
      const moment = { revision, timeMs: timestampMs };
      // A log's first entry is of the log itself, which may be younger than what was restored into it.
      if (first === undefined || entries === 2) first = { revision: first?.revision ?? revision, timeMs: timestampMs };
      latest = moment;
      if (!isWithin(moment, to)) return;
      cut = moment;
      entriesToCut = entries;
    },
    onGone: ({ subject, revision }) => void gone.set(subject, revision),
    onMark: ({ positions }) => (position = positions.objects.position),
    onProgress,
  });
  if (first === undefined || latest === undefined) throw new ArchiveError('ARCHIVE_EMPTY', 'it has no entries');
  const ofResources = [...floors].filter(([scope]) => parseFloorScope('objects', scope)?.type !== 'object');
  const earliest = ofResources.reduce((high, [, floor]) => (floor.revision > high.revision ? floor : high), first);
  if (to?.type === 'revision' && to.revision > latest.revision && to.revision > mark.positions.objects.position)
    throw new ArchiveError('OUT_OF_REACH', `it ends at ${describe(latest)}`);
  if (cut === undefined || !isExactAt(to, earliest, cut))
    throw new ArchiveError(
      'OUT_OF_REACH',
      `it has no whole state of the cluster before ${describe(earliest)}: what is older had been forgotten when it was begun`,
    );
  const end = cut;
  const inexact = [...floors].flatMap(([scope, floor]) => (isExactAt(to, floor, end) ? [] : [scope]));
  const { objects, leases, events } = mark.positions;
  return {
    archive,
    header,
    mark,
    cut: end,
    earliest,
    latest,
    entries: entriesToCut,
    floors,
    inexact,
    gone,
    firstRevisions: {
      objects: firstRevisionAbove(objects.last),
      leases: firstRevisionAbove(leases.last),
      events: firstRevisionAbove(events.last),
    },
  };
}
