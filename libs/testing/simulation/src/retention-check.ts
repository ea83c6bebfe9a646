/** What was purged was to go: its end is at or before a floor of its resource or its own, and nothing that exists went. */
import type { LogEntry, Subject } from '@periplus/log/event-log';
import { decodeObjectEvent, type ObjectEvent, parseSubject } from '@periplus/log/object-events';

interface Logged {
  readonly entry: LogEntry;
  readonly event: ObjectEvent;
}

function decode(entry: LogEntry): Logged[] {
  const decoded = decodeObjectEvent(entry.payload);
  return decoded.outcome === 'event' ? [{ entry, event: decoded.event }] : [];
}

/** At which the transaction of an entry was whole. */
function commitOf({ entry: { revision }, event: { transaction } }: Logged): number {
  return transaction === undefined ? revision : revision - transaction.index + transaction.count - 1;
}

/** Of the stream of objects: all that was ever stored, and what is retained. */
export function checkRetention(stored: readonly LogEntry[], retained: readonly LogEntry[]): string[] {
  const kept = new Set(retained.map(({ revision }) => revision));
  const floors = new Map<string, number>();
  const bySubject = new Map<Subject, Logged[]>();
  for (const logged of stored.flatMap(decode)) {
    const { system } = logged.event;
    if (system?.type === 'floor') floors.set(system.scope, Math.max(floors.get(system.scope) ?? 0, system.revision));
    const ofSubject = bySubject.get(logged.entry.subject);
    if (ofSubject === undefined) bySubject.set(logged.entry.subject, [logged]);
    else ofSubject.push(logged);
  }
  const violations: string[] = [];
  for (const [subject, entries] of bySubject) {
    const isObject = parseSubject(subject) !== undefined;
    const scope = subject.slice(subject.indexOf('.') + 1);
    const ofResource = floors.get(scope.split('.').slice(0, 2).join('.')) ?? 0;
    const floor = Math.max(ofResource, floors.get(scope) ?? 0);
    entries.forEach((logged, index) => {
      const { revision } = logged.entry;
      if (kept.has(revision)) {
        if (index > 0 && entries.slice(0, index).some((before) => kept.has(before.entry.revision))) {
          const hole = entries.slice(0, index).findLast((before) => !kept.has(before.entry.revision));
          const before = entries.find((each) => kept.has(each.entry.revision))!;
          if (hole !== undefined && hole.entry.revision > before.entry.revision)
            violations.push(`${subject} lacks ${hole.entry.revision} between what is retained`);
        }
        return;
      }
      const end = logged.event.verb === 'delete' ? logged : entries[index + 1];
      if (end === undefined) violations.push(`the last entry of ${subject}, ${revision}, was purged`);
      else if (isObject && commitOf(end) > floor)
        violations.push(
          `${subject} at ${revision} was purged, which ended at ${commitOf(end)}, above the floor ${floor}`,
        );
    });
  }
  return violations;
}
