/** The first entry of each stream: it names the cluster, and makes sure that no list of an empty kind says "0". */
import { toRevision } from '@periplus/api/meta';
import type { Clock } from '@periplus/base/clock';
import type { EventLog, StreamName } from '@periplus/log/event-log';
import { encodeObjectEvent } from './envelope-codec.js';
import { emptyKey, type ObjectEvent, type SystemEntry } from './object-event.js';
import { genesisSubject, streamNames } from './subject.js';

/** A system entry, as written by the cluster itself. */
export function systemEvent(system: SystemEntry, requestId: string, clock: Pick<Clock, 'now'>): ObjectEvent {
  return {
    verb: 'system',
    key: emptyKey,
    uid: '',
    actor: { user: 'system:periplus', groups: [], userAgent: '' },
    requestId,
    changeId: requestId,
    timeMicros: Math.round(clock.now() * 1_000),
    parent: toRevision(0),
    apiVersion: '',
    kind: '',
    object: new Uint8Array(),
    system,
  };
}

/** Writes the genesis of each stream that has none; safe to call by many at once and again. */
export async function ensureGenesis(
  log: EventLog,
  clusterId: string,
  clock: Pick<Clock, 'now'>,
  streams: readonly StreamName[] = streamNames,
): Promise<void> {
  for (const stream of streams) {
    // Not asked for before: to know what is there a replicated log appends something itself.
    const event = systemEvent({ type: 'genesis', clusterId }, `genesis of ${stream}`, clock);
    const append = { subject: genesisSubject(stream), payload: encodeObjectEvent(event), expected: toRevision(0) };
    const outcome = await log.append(stream, [append]);
    // A conflict says that it is there; an unknown outcome is settled by the next start.
    if (outcome.outcome === 'unknown') throw outcome.cause;
  }
}
