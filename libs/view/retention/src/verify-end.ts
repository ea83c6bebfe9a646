/**
 * Holds an end against the log before anything is purged: the projection is disposable, and so may be wrong. Purging below a
 * bound that is wrong would take an object's only entry.
 */
import { type Revision, toRevision } from '@periplus/api/meta';
import type { EventLog, StreamName } from '@periplus/log/event-log';
import { decodeObjectEvent, type ObjectEvent } from '@periplus/log/object-events';
import { timeOfEntry } from '@periplus/view/projection';
import type { End } from './compaction-source.js';

export type VerifiedEnd =
  | { readonly outcome: 'sound'; readonly event: ObjectEvent }
  /** The log has nothing left of what the end lets go: an earlier try got as far as this. */
  | { readonly outcome: 'done' }
  /** The log says otherwise: nothing may be purged. */
  | { readonly outcome: 'refuted'; readonly reason: string };

const refuted = (reason: string): VerifiedEnd => ({ outcome: 'refuted', reason });

/** @param untilMs the end must have been appended at or before this, by the log's own time. */
export async function verifyEnd(log: EventLog, stream: StreamName, end: End, untilMs: number): Promise<VerifiedEnd> {
  const { subject, revision } = end;
  const entry = await log.entry(stream, revision);
  if (entry === undefined) {
    const first = await log.nextEntry(stream, subject, toRevision(1));
    if (first === undefined || first.revision > revision) return { outcome: 'done' };
    return refuted(`the log has no entry ${revision}, but ${first.revision} of the subject`);
  }
  if (entry.subject !== subject) return refuted(`the entry is of ${entry.subject}`);
  const decoded = decodeObjectEvent(entry.payload);
  if (timeOfEntry(entry, decoded) > untilMs) return refuted('the entry is too young');
  if (decoded.outcome === 'malformed') return refuted(decoded.reason);
  if ((decoded.event.verb === 'delete') !== end.isTombstone)
    return refuted(`the entry's verb is ${decoded.event.verb}`);
  return { outcome: 'sound', event: decoded.event };
}

/** The key of what a tombstone deleted, as the log has it; undefined when it is gone, or was not sealed. */
export async function keyOfTombstone(
  log: EventLog,
  stream: StreamName,
  subject: string,
  revision: Revision,
): Promise<string | undefined> {
  const entry = await log.entry(stream, revision);
  if (entry === undefined || entry.subject !== subject) return undefined;
  const decoded = decodeObjectEvent(entry.payload);
  return decoded.outcome === 'event' && decoded.event.verb === 'delete' ? decoded.event.seal?.keyId : undefined;
}

/** The ids of all keys with which retained entries at or after `from` were sealed; of one subject, or those that `prefix.>` names. */
export async function sealedKeys(
  log: EventLog,
  stream: StreamName,
  filter: string,
  from: Revision,
): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  let next = from;
  for (;;) {
    const entry = await log.nextEntry(stream, filter, next);
    if (entry === undefined) return keys;
    const decoded = decodeObjectEvent(entry.payload);
    if (decoded.outcome === 'event' && decoded.event.seal !== undefined) keys.add(decoded.event.seal.keyId);
    next = toRevision(entry.revision + 1);
  }
}
