/**
 * J4: 410 only where history is gone. What is gone is in the log: before it purges, the compactor appends a floor, for a resource
 * (`core.pods`) or for one object (`core.pods.default.web`). A list or watch of a resource is bound by all of its floors, a get of an
 * object by the resource's and its own.
 */
import type { ObjectKey, Revision } from '@periplus/api/meta';
import { streamOf } from '@periplus/log/object-events';
import type { Evidence } from '../evidence.js';
import type { LogHistory } from '../log-history.js';
import { noRevision, type ResourceName } from '../log-index.js';
import type { Freshness, GetCall, ListCall, WatchSession } from '../recorded-call.js';
import { describeCall, tell } from '../story.js';
import { type Violation, violation } from '../violation.js';

const token = (text: string, standIn: string): string => (text === '' ? standIn : text.replaceAll('.', '%2E'));

function scopeOf({ group, resource }: ResourceName): string {
  return `${token(group, 'core')}.${token(resource, '')}`;
}

/** The highest floor that had been appended by then. */
function floorAt(history: LogHistory, byMs: number, binds: (scope: string) => boolean): number {
  let floor: number = history.floor;
  for (const { event, timestampMs } of history.entries)
    if (event.system?.type === 'floor' && timestampMs <= byMs && binds(event.system.scope))
      floor = Math.max(floor, event.system.revision);
  return floor;
}

/** As long a continue token holds on to its revision. */
const tokenLifeMs = 5 * 60_000;

const isGone = (reason: string | undefined): boolean => reason === 'Expired' || reason === 'Gone';

function firstPage(call: ListCall): ListCall {
  let first = call;
  while (first.continues !== undefined) first = first.continues;
  return first;
}

/** The revision that was asked for; that of the first page, when it is a later one. */
function askedRevision(call: GetCall | ListCall): Revision | undefined {
  if (call.kind === 'get' || call.continues === undefined) return revisionOf(call.freshness);
  const { outcome } = firstPage(call);
  return outcome.type === 'ok' ? outcome.revision : undefined;
}

const revisionOf = (freshness: Freshness): Revision | undefined =>
  freshness.type === 'exactly' ? freshness.revision : undefined;

/** @param storedAs where clients see a resource under another group than the log. */
export function checkGone(
  { journal, log }: Evidence,
  storedAs: (resource: ResourceName) => ResourceName = (resource) => resource,
): Violation[] {
  const found: Violation[] = [];

  /** What the answer may have been bound by; undefined when nothing can be said. */
  function floorFor(resource: ResourceName, name: Pick<ObjectKey, 'namespace' | 'name'> | undefined, endMs: number) {
    const stored = storedAs(resource);
    const history = log.history(streamOf(stored));
    if (history === undefined) return undefined;
    const scope = scopeOf(stored);
    const own = name && `${scope}.${token(name.namespace, '_')}.${token(name.name, '')}`;
    const binds = (text: string): boolean =>
      text === scope || (own === undefined ? text.startsWith(`${scope}.`) : text === own);
    return floorAt(history, journal.originMs + endMs, binds);
  }

  function judgeCall(call: GetCall | ListCall): void {
    if (call.outcome.type !== 'refused' || !isGone(call.outcome.reason)) return;
    if (call.kind === 'list' && call.endMs - firstPage(call).startMs > tokenLifeMs) return;
    const asked = askedRevision(call);
    const resource = call.kind === 'get' ? call.key : call.target;
    const floor = floorFor(resource, call.kind === 'get' ? call.key : undefined, call.endMs);
    // A moment that is no revision may have been any; before the first floor none is gone.
    if (floor === undefined || (asked ?? noRevision) < floor) return;
    found.push(violation('J4 watch', `history that goes back to ${floor} was said to be gone`, [describeCall(call)]));
  }

  function judgeSession(session: WatchSession): void {
    const { end, from, target } = session;
    if (end.type !== 'ended' || !isGone(end.reason)) return;
    const floor = floorFor(target, undefined, end.atMs);
    if (floor === undefined || (revisionOf(from) ?? noRevision) < floor) return;
    // A watch that does not begin in the past ends by 410 for nothing.
    found.push(
      violation(
        'J4 watch',
        `the watch of ${session.client} for ${target.resource} was told that history is gone, which goes back to ${floor}`,
        tell(journal, { session, events: [], entries: [] }),
      ),
    );
  }

  for (const call of journal.calls) if (call.kind !== 'write') judgeCall(call);
  for (const session of journal.sessions) judgeSession(session);
  return found;
}
