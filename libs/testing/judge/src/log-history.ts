/** The log read back whole, by a fold of its own that shares nothing with the product's but the decoder of envelopes. */
import { type KubeObject, type Revision, toRevision } from '@periplus/api/meta';
import type { LogEntry, StreamName, Subject } from '@periplus/log/event-log';
import { decodeObjectEvent, type ObjectEvent } from '@periplus/log/object-events';

export interface LoggedEvent {
  readonly revision: Revision;
  readonly subject: Subject;
  /** By the log's own clock. */
  readonly timestampMs: number;
  /** An object's end by its time to live is a `delete` here, made from its last state, as it is to readers. */
  readonly event: ObjectEvent;
}

/** An entry that no reader can take for anything. */
export interface UnreadableEntry {
  readonly revision: Revision;
  readonly subject: Subject;
  readonly reason: string;
}

export interface LogHistory {
  readonly stream: StreamName;
  /** Entries up to here may be missing; 0 when the history is whole. */
  readonly floor: Revision;
  readonly last: Revision;
  /** In order; without what is unreadable. */
  readonly entries: readonly LoggedEvent[];
  readonly unreadable: readonly UnreadableEntry[];
}

/** @param floor entries up to here may have been purged. */
export function readHistory(stream: StreamName, entries: readonly LogEntry[], floor = toRevision(0)): LogHistory {
  const readable: LoggedEvent[] = [];
  const unreadable: UnreadableEntry[] = [];
  const lastOf = new Map<Subject, LoggedEvent>();
  let last = floor;
  for (const { revision, subject, timestampMs, payload, marker } of entries) {
    last = revision;
    if (marker !== undefined) {
      const previous = lastOf.get(subject);
      lastOf.delete(subject);
      if (previous === undefined || previous.event.verb === 'delete') continue;
      const event: ObjectEvent = { ...previous.event, verb: 'delete', parent: previous.revision, requestId: '' };
      readable.push({ revision, subject, timestampMs, event });
      continue;
    }
    const decoded = decodeObjectEvent(payload);
    if (decoded.outcome === 'malformed') {
      unreadable.push({ revision, subject, reason: decoded.reason });
      continue;
    }
    const logged: LoggedEvent = { revision, subject, timestampMs, event: decoded.event };
    lastOf.set(subject, logged);
    readable.push(logged);
  }
  return { stream, floor, last, entries: readable, unreadable };
}

const objects = new WeakMap<ObjectEvent, KubeObject>();

/** The object that an event holds; undefined when it is sealed. */
export function objectOf({ event }: LoggedEvent): KubeObject | undefined {
  if (event.seal !== undefined) return undefined;
  let object = objects.get(event);
  if (object === undefined) {
    object = JSON.parse(Buffer.from(event.object).toString('utf8')) as KubeObject;
    objects.set(event, object);
  }
  return object;
}
