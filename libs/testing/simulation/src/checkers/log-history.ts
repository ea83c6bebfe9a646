/** The log read back whole, by a fold of its own that shares nothing with the product's: what every view is held against. */
import type { Revision } from '@periplus/api/meta';
import type { LogEntry } from '@periplus/log/event-log';
import { decodeObjectEvent, type ObjectEvent } from '@periplus/log/object-events';

export interface LoggedEvent {
  readonly revision: Revision;
  readonly subject: string;
  readonly event: ObjectEvent;
}

/** Throws when an entry can't be read: nothing in a simulation writes poison. */
export function readHistory(entries: readonly LogEntry[]): LoggedEvent[] {
  return entries
    .filter((entry) => entry.marker === undefined)
    .map((entry) => {
      const decoded = decodeObjectEvent(entry.payload);
      if (decoded.outcome !== 'event') throw new Error(`entry ${entry.revision} on ${entry.subject} is malformed`);
      return { revision: entry.revision, subject: entry.subject, event: decoded.event };
    });
}

export interface LoggedState {
  readonly revision: Revision;
  readonly event: ObjectEvent;
}

/** The objects that exist at the end, by subject. */
export function stateAtEnd(history: readonly LoggedEvent[]): Map<string, LoggedState> {
  const state = new Map<string, LoggedState>();
  for (const { revision, subject, event } of history) {
    if (event.verb === 'system') continue;
    if (event.verb === 'delete') state.delete(subject);
    else state.set(subject, { revision, event });
  }
  return state;
}

/** "apps/deployments/ns/name", for messages. */
export function describeKey({ key }: ObjectEvent): string {
  return `${key.group || 'core'}/${key.resource}/${key.namespace || '_'}/${key.name}`;
}
