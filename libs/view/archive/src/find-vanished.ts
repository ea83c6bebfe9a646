/**
 * Finds the objects whose end a run could not read. Worked example: the run has read the create of a pod at 100; before it gets to
 * the tombstone at 4,000 a compactor appends the floor 5,000 and purges both. The file then has the pod alive, and the floor.
 * But the last entry of what is alive is never purged: so an entry that is the object's last in the file, not above the floor,
 * no tombstone and not in the log any more belongs to an object that had ended.
 */
import type { Revision } from '@periplus/api/meta';
import type { EventLog, Subject } from '@periplus/log/event-log';
import { decodeObjectEvent, formatFloorScope, parseSubject } from '@periplus/log/object-events';
import type { ArchiveFile } from './archive-file.js';
import { decodeEntry, type Gone } from './archive-messages.js';
import { scanFrames } from './frame-scan.js';

/** Entries that are asked for at the same time. */
const portionMax = 64;

/** `floors`: of resources, by scope. */
export async function findVanished(
  log: Pick<EventLog, 'entry'>,
  file: ArchiveFile,
  from: number,
  to: number,
  floors: ReadonlyMap<string, Revision>,
): Promise<readonly Gone[]> {
  /** The last entry of each object of the floors' resources; undefined for what is ended or above the floor. */
  const last = new Map<Subject, Revision | undefined>();
  await scanFrames(file, from, to, (frames) => {
    for (const { kind, payload } of frames) {
      const entry = kind === 'entry' ? decodeEntry(payload) : undefined;
      const key = entry?.stream === 'objects' ? parseSubject(entry.subject)?.key : undefined;
      const floor = key && floors.get(formatFloorScope({ type: 'resource', group: key.group, resource: key.resource }));
      if (entry === undefined || floor === undefined) continue;
      const decoded = decodeObjectEvent(entry.payload);
      const isEnd = decoded.outcome === 'event' && decoded.event.verb === 'delete';
      last.set(entry.subject, isEnd || entry.revision > floor ? undefined : entry.revision);
    }
  });
  const candidates = [...last].flatMap(([subject, revision]) =>
    revision === undefined ? [] : [{ subject, revision }],
  );
  const vanished: Gone[] = [];
  for (let at = 0; at < candidates.length; at += portionMax) {
    const portion = candidates.slice(at, at + portionMax);
    const entries = await Promise.all(portion.map(({ revision }) => log.entry('objects', revision)));
    vanished.push(...portion.filter((_, index) => entries[index] === undefined));
  }
  return vanished;
}
