/** J1: each acknowledged write is in the log where the client was told; none is there twice, and none that was refused. */
import { streamOf } from '@periplus/log/object-events';
import type { Evidence } from '../evidence.js';
import type { LoggedEvent } from '../log-history.js';
import { describeKey } from '../log-index.js';
import type { WriteCall } from '../recorded-call.js';
import { tell } from '../story.js';
import { type Violation, violation } from '../violation.js';

const sameObject = (call: WriteCall, { event }: LoggedEvent): boolean =>
  describeKey(event.key) === describeKey(call.key);

export function checkKept({ journal, log }: Evidence): Violation[] {
  const found: Violation[] = [];

  function blame(call: WriteCall, what: string, entries: readonly LoggedEvent[]): void {
    found.push(violation('J1 kept', what, tell(journal, { calls: [call], entries })));
  }

  function judgeAcknowledged(call: WriteCall, written: readonly LoggedEvent[]): void {
    const { verb, key } = call;
    const timeline = log.timeline(key)!;
    const history = log.history(streamOf(key))!;
    const own = written.find((logged) => sameObject(call, logged));
    const seen = call.outcome.type === 'ok' ? call.outcome.seen : undefined;
    if (seen === undefined) {
      // A Status says no revision. What is refused or already done writes nothing.
      const isGone = verb === 'delete' && !call.subresource && own === undefined;
      if (isGone && history.floor === 0 && !timeline.entries.some(({ event }) => event.verb === 'delete'))
        blame(call, `an acknowledged delete of ${describeKey(key)} is not in the log`, timeline.entries);
      return;
    }
    if (seen.revision <= history.floor) return;
    if (own !== undefined) {
      if (own.revision !== seen.revision)
        blame(call, `${describeKey(key)} was written at ${own.revision}, and the client was told ${seen.revision}`, [
          own,
        ]);
      return;
    }
    const there = timeline.entries.filter(({ revision }) => revision === seen.revision);
    const mayChangeNothing = verb !== 'create';
    if (!mayChangeNothing || there.length === 0)
      blame(call, `an acknowledged ${verb} of ${describeKey(key)} is not in the log at ${seen.revision}`, there);
  }

  for (const call of journal.calls) {
    if (call.kind !== 'write' || log.timeline(call.key) === undefined) continue;
    const written = log.writtenBy(call.requestId);
    const objects = new Map<string, LoggedEvent[]>();
    for (const logged of written) objects.set(logged.subject, [...(objects.get(logged.subject) ?? []), logged]);
    for (const entries of objects.values())
      if (entries.length > 1)
        blame(call, `one request wrote ${describeKey(entries[0]!.event.key)} ${entries.length} times`, entries);
    if (call.outcome.type === 'ok') judgeAcknowledged(call, written);
    else if (call.outcome.type === 'refused' && written.length > 0)
      blame(call, `a refused ${call.verb} of ${describeKey(call.key)} is in the log`, written);
  }
  return found;
}
