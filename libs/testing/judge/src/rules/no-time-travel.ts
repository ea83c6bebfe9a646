/**
 * J5: no client goes back in time, and a read that says nothing about its freshness sees all that its client has seen or
 * written. A read of what is cached may go back only when the client has moved to another server.
 */
import type { ObjectKey, Revision } from '@periplus/api/meta';
import type { StreamName } from '@periplus/log/event-log';
import { streamOf } from '@periplus/log/object-events';
import type { Evidence } from '../evidence.js';
import { describeKey, noRevision } from '../log-index.js';
import type { Freshness, GetCall, ListCall, RecordedCall, WatchSession, WriteCall } from '../recorded-call.js';
import { describeCall, describeSession, tell } from '../story.js';
import { type Violation, violation } from '../violation.js';

/** Something that showed a client a revision of a stream, at the latest at `atMs`. */
interface Sight {
  readonly atMs: number;
  readonly revision: Revision;
  /** Absent for a write: the server's cache may not have it yet. */
  readonly connection?: string;
  readonly told: string;
}

/** Sights of one client in one stream, in order of time, each with the highest so far. */
interface Sights {
  readonly all: readonly (Sight & { readonly highest: Sight })[];
}

function sightsIn(
  call: RecordedCall,
): readonly { readonly key: { group: string; resource: string }; readonly revision: Revision }[] {
  const { outcome } = call;
  if (outcome.type !== 'ok') return [];
  if (call.kind === 'list') return 'items' in outcome ? [{ key: call.target, revision: outcome.revision }] : [];
  return 'seen' in outcome && outcome.seen ? [{ key: call.key, revision: outcome.seen.revision }] : [];
}

/** Asks for a state that is not the newest on purpose. */
const isOfThePast = (freshness: Freshness): boolean => freshness.type === 'exactly' || freshness.type === 'past';

function collect({ journal }: Evidence): Map<string, Sights> {
  const byPlace = new Map<string, Sight[]>();
  const add = (client: string, stream: StreamName, sight: Sight): void => {
    const place = `${client} ${stream}`;
    const sights = byPlace.get(place);
    if (sights === undefined) byPlace.set(place, [sight]);
    else sights.push(sight);
  };
  for (const call of journal.calls) {
    if (call.kind !== 'write' && (isOfThePast(call.freshness) || (call.kind === 'list' && call.continues))) continue;
    for (const { key, revision } of sightsIn(call))
      add(call.client, streamOf(key), {
        atMs: call.endMs,
        revision,
        ...(call.kind === 'write' || call.connection === undefined ? {} : { connection: call.connection }),
        told: describeCall(call),
      });
  }
  for (const session of journal.sessions)
    for (const event of session.events)
      add(session.client, streamOf(session.target), {
        atMs: event.atMs,
        revision: event.type === 'BOOKMARK' ? event.revision : event.seen.revision,
        ...(session.connection === undefined ? {} : { connection: session.connection }),
        told: '',
      });
  return new Map(
    [...byPlace].map(([place, sights]) => {
      let highest: Sight | undefined;
      const all = sights
        .sort((a, b) => a.atMs - b.atMs)
        .map((sight) => {
          if (highest === undefined || sight.revision > highest.revision) highest = sight;
          return { ...sight, highest };
        });
      return [place, { all }];
    }),
  );
}

/** The highest sight before a moment. */
function highestBefore({ all }: Sights, atMs: number): Sight | undefined {
  let low = 0;
  let high = all.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (all[middle]!.atMs < atMs) low = middle + 1;
    else high = middle;
  }
  return all[low - 1]?.highest;
}

/** The highest before a moment that came over the connection. */
function highestOver({ all }: Sights, connection: string, atMs: number): Sight | undefined {
  let highest: Sight | undefined;
  for (const sight of all) {
    if (sight.atMs >= atMs) break;
    if (sight.connection === connection && (highest === undefined || sight.revision > highest.revision))
      highest = sight;
  }
  return highest;
}

export function checkNoTimeTravel(evidence: Evidence): Violation[] {
  const { journal, log } = evidence;
  const sightsOf = collect(evidence);
  const found: Violation[] = [];

  /** What an answer must not be older than. */
  function boundOf(
    asked: { readonly client: string; readonly connection?: string; readonly startMs: number },
    freshness: Freshness,
    stream: StreamName,
  ): { readonly revision: Revision; readonly told: string } {
    const sights = sightsOf.get(`${asked.client} ${stream}`);
    const isNewest = freshness.type === 'newest';
    let sight: Sight | undefined;
    if (sights !== undefined && isNewest) sight = highestBefore(sights, asked.startMs);
    else if (sights !== undefined && asked.connection !== undefined)
      sight = highestOver(sights, asked.connection, asked.startMs);
    if (freshness.type === 'atLeast' && freshness.revision > (sight?.revision ?? 0))
      return { revision: freshness.revision, told: '' };
    return { revision: sight?.revision ?? noRevision, told: sight?.told ?? '' };
  }

  function blame(what: string, before: string, after: readonly string[]): void {
    found.push(violation('J5 no time travel', what, [...(before === '' ? [] : [before]), ...after]));
  }

  /** The state that was given was there at the bound or later. */
  function judgeState(
    call: GetCall | WriteCall,
    key: ObjectKey,
    revision: Revision,
    bound: Revision,
    told: string,
  ): void {
    const timeline = log.timeline(key);
    if (timeline === undefined) return;
    const next = timeline.entries.find((logged) => logged.revision > revision);
    if (next === undefined || next.revision > bound) return;
    const entries = timeline.entries.filter((logged) => logged.revision === revision || logged === next);
    blame(
      `${call.client} saw ${describeKey(key)} at ${revision} after it had seen ${bound}, though that state ended at ${next.revision}`,
      told,
      tell(journal, { calls: [call], entries }),
    );
  }

  /** There was nothing at the bound or later. */
  function judgeAbsence(call: GetCall, bound: Revision, told: string): void {
    const { key } = call;
    const timeline = log.timeline(key);
    if (timeline === undefined || log.stateAt(timeline, bound) === undefined) return;
    if (timeline.entries.some(({ event, revision }) => revision > bound && event.verb === 'delete')) return;
    blame(
      `${call.client} was told that ${describeKey(key)} is not there after it had seen ${bound}, where it is`,
      told,
      tell(journal, { calls: [call], entries: timeline.entries.slice(-1) }),
    );
  }

  function judgeList(call: ListCall): void {
    const { outcome, target } = call;
    if (outcome.type !== 'ok' || call.continues || isOfThePast(call.freshness)) return;
    const { revision, told } = boundOf(call, call.freshness, streamOf(target));
    if (outcome.revision < revision)
      blame(`${call.client} was given a list as of ${outcome.revision} after it had seen ${revision}`, told, [
        describeCall(call),
      ]);
  }

  function judgeGet(call: GetCall): void {
    const { key, freshness, outcome } = call;
    if (isOfThePast(freshness)) return;
    const { revision: bound, told } = boundOf(call, freshness, streamOf(key));
    if (outcome.type === 'ok') judgeState(call, key, outcome.seen.revision, bound, told);
    else if (outcome.type === 'refused' && outcome.reason === 'NotFound') judgeAbsence(call, bound, told);
  }

  /** A write that changed nothing is answered with the state that it was decided on. */
  function judgeWrite(call: WriteCall): void {
    const seen = call.outcome.type === 'ok' ? call.outcome.seen : undefined;
    if (seen === undefined) return;
    const { revision: bound, told } = boundOf(call, { type: 'newest' }, streamOf(call.key));
    judgeState(call, call.key, seen.revision, bound, told);
  }

  function judgeSession(session: WatchSession): void {
    const { from } = session;
    const first = session.events[0];
    if (from.type === 'exactly') {
      const back = session.events.find((event) => event.type !== 'BOOKMARK' && event.seen.revision <= from.revision);
      if (back !== undefined)
        blame(
          `a watch of ${session.client} from ${from.revision} began before it`,
          '',
          tell(journal, { session, events: [back] }),
        );
      return;
    }
    // Where its state ends is judged with the watch; what it says at all must not be older than what was seen.
    const { revision: bound, told } = boundOf(session, from, streamOf(session.target));
    const mark = session.events.find((event) => event.type === 'BOOKMARK');
    if (first !== undefined && mark?.type === 'BOOKMARK' && mark.revision < bound)
      blame(`a watch of ${session.client} began at ${mark.revision} after it had seen ${bound}`, told, [
        describeSession(session),
      ]);
  }

  for (const call of journal.calls)
    if (call.kind === 'list') judgeList(call);
    else if (call.kind === 'get') judgeGet(call);
    else judgeWrite(call);
  for (const session of journal.sessions) judgeSession(session);
  return found;
}
