/** From one entry of the log to what it changes: the step that every view shares, so that all agree, also on poison. */
import type { ObjectKey, Revision } from '@periplus/api/meta';
import type { LogEntry, StreamName, Subject } from '@periplus/log/event-log';
import {
  type DecodedEvent,
  type ObjectEvent,
  parseSubject,
  streamOfSubject,
  viewObjectEvent,
} from '@periplus/log/object-events';
import { readObjectJson } from './object-json.js';

/** Where in the log something happened. */
export interface ChangePosition {
  readonly stream: StreamName;
  readonly revision: Revision;
  readonly subject: Subject;
  /** Server time of the append, milliseconds since the epoch; of a restored entry that of its first append. */
  readonly timestampMs: number;
  /** When the log will have dropped the entry. */
  readonly expiresAtMs?: number;
}

export interface ObjectChange<Type extends 'put' | 'delete'> {
  readonly type: Type;
  readonly key: ObjectKey;
  /** Read as it is asked, and keeping the payload: whoever copies it, or asks much of it, takes `completeEvent`. */
  readonly event: ObjectEvent;
  /** Where the resourceVersion goes, see `spliceRevision`; absent for a sealed object, which only the server opens. */
  readonly spliceAt?: number;
  /** The entry as it is in the log. */
  readonly payload: Uint8Array;
}

export type Change = ChangePosition &
  (
    | ObjectChange<'put'>
    /** A tombstone; the event's object is the last state. */
    | ObjectChange<'delete'>
    /** The subject's last message reached its end of life: an object is gone, or a tombstone forgotten. */
    | { readonly type: 'expired'; readonly key: ObjectKey }
    | { readonly type: 'system'; readonly event: ObjectEvent; readonly payload: Uint8Array }
    /** Poison: it changes nothing, and everyone says so for the same reason. */
    | { readonly type: 'quarantined'; readonly reason: string; readonly payload: Uint8Array }
  );

const sameKey = (a: ObjectKey, b: ObjectKey): boolean =>
  a.group === b.group && a.resource === b.resource && a.namespace === b.namespace && a.name === b.name;

/** When an entry was appended; a restored one says so itself: when it first was. */
export function timeOfEntry(entry: Pick<LogEntry, 'timestampMs'>, decoded: DecodedEvent | undefined): number {
  const restored = decoded?.outcome === 'event' ? decoded.event.restored : undefined;
  return restored?.timestampMs ?? entry.timestampMs;
}

/** Never throws, and never depends on anything but the entry. */
export function toChange(entry: LogEntry): Change {
  const { stream, revision, subject, expiresAtMs, payload } = entry;
  const decoded = entry.marker === undefined ? viewObjectEvent(payload) : undefined;
  const timestampMs = timeOfEntry(entry, decoded);
  const position: ChangePosition = { stream, revision, subject, timestampMs, expiresAtMs };
  const quarantined = (reason: string): Change => ({ ...position, type: 'quarantined', reason, payload });
  const place = parseSubject(subject);
  if (decoded === undefined)
    return place ? { ...position, type: 'expired', key: place.key } : quarantined('the marker is on no object');
  if (decoded.outcome === 'malformed') return quarantined(decoded.reason);
  const { event } = decoded;
  if (event.verb === 'system') {
    const isInPlace = subject.startsWith('system.') && streamOfSubject(subject) === stream;
    return isInPlace
      ? { ...position, type: 'system', event, payload }
      : quarantined('a system entry on an object subject');
  }
  if (place === undefined || place.stream !== stream || !sameKey(place.key, event.key))
    return quarantined('the key is not that of the subject');
  const type = event.verb === 'delete' ? 'delete' : 'put';
  const { key } = place;
  if (event.seal !== undefined) return { ...position, type, key, event, payload };
  const read = readObjectJson(event.object);
  if (read.outcome === 'unreadable') return quarantined(read.reason);
  const { spliceAt } = read;
  // Without a spread: a starting cache makes a hundred thousand of these.
  return { stream, revision, subject, timestampMs, expiresAtMs, type, key, event, payload, spliceAt };
}
