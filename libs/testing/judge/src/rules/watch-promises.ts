/**
 * J4: what a watch must say follows from the log, its filter and where it began: ordered, unique, without gaps, of the right
 * types, nothing from outside its filter, bookmarks that are true. A watch that resumes another is judged by where it says
 * that it goes on: so nothing is lost or repeated between the two.
 *
 * What an event is depends on the filter before and after a change, as in a watch for `app=web`:
 *
 *     labels before   labels after    the watch is told
 *     app=web         app=web         MODIFIED
 *     app=db, none    app=web         ADDED
 *     app=web         app=db          DELETED, with the state before and the revision of the change
 *     app=web         deleted         DELETED, with the last state
 */
import type { Revision } from '@periplus/api/meta';
import { streamOf } from '@periplus/log/object-events';
import type { Evidence } from '../evidence.js';
import { createFilter, type Filter } from '../filter.js';
import { type LoggedEvent, objectOf } from '../log-history.js';
import { describeKey, type LogIndex, noRevision, type ResourceName } from '../log-index.js';
import { isSameObject } from '../same-object.js';
import type { SeenEvent, WatchSession } from '../recorded-call.js';
import { tell } from '../story.js';
import { type Violation, violation } from '../violation.js';

type ObjectEvent = Extract<SeenEvent, { readonly seen: unknown }>;

interface Expected {
  /** More than one when the state before is not known any more. */
  readonly types: readonly ObjectEvent['type'][];
  /** For the same reason: perhaps there is nothing to tell. */
  readonly isOptional?: boolean;
  readonly revision: Revision;
  /** What caused it. */
  readonly logged: LoggedEvent;
  /** The state that it shows: the new one, or the last that was within the filter. */
  readonly state: LoggedEvent;
}

export interface WatchContext {
  /** Where clients see a resource under another group than the log: `extensions` for `apps`. */
  storedAs?(resource: ResourceName): ResourceName;
  /** What was appended later, by the log's clock, need not have reached the watches. Absent: all of the log. */
  readonly deliveredBeforeMs?: number;
}

/** All entries of a resource, in the log's order. */
function entriesOf(log: LogIndex, resource: ResourceName): readonly LoggedEvent[] {
  return log
    .timelinesOf(resource)
    .flatMap(({ entries }) => entries)
    .sort((a, b) => a.revision - b.revision);
}

/** What a watch is told of an entry, from whether the filter takes the states before and after; absent: nothing. */
function expectedOf(
  logged: LoggedEvent,
  before: LoggedEvent | undefined,
  was: boolean | 'unknown',
  is: boolean,
): Expected | undefined {
  const { revision, event } = logged;
  const common = { revision, logged };
  if (event.verb === 'delete')
    return was === false
      ? undefined
      : { ...common, types: ['DELETED'], isOptional: was === 'unknown' && !is, state: logged };
  // The log keeps one entry a Lease: a server that starts after a change cannot know that there was a state before it.
  const isForgotten = was === 'unknown' || (was && streamOf(event.key) === 'leases');
  if (is)
    return {
      ...common,
      types: isForgotten ? ['ADDED', 'MODIFIED'] : [was ? 'MODIFIED' : 'ADDED'],
      state: logged,
    };
  if (was === false) return undefined;
  return { ...common, types: ['DELETED'], isOptional: was === 'unknown', state: before ?? logged };
}

/** What a watch is told of each entry; undefined when the filter can't be judged, because objects are sealed. */
function expectedEvents(entries: readonly LoggedEvent[], isIn: Filter): readonly Expected[] | undefined {
  const last = new Map<string, LoggedEvent>();
  const expected: Expected[] = [];
  for (const logged of entries) {
    const { event, subject } = logged;
    const before = last.get(subject);
    const isBeforeGone = before === undefined && event.parent !== 0;
    const was = isBeforeGone ? 'unknown' : before === undefined ? false : isIn(before);
    const is = isIn(logged);
    if (was === undefined || is === undefined) return undefined;
    const told = expectedOf(logged, before, was, is);
    if (told !== undefined) expected.push(told);
    if (event.verb === 'delete') last.delete(subject);
    else last.set(subject, logged);
  }
  return expected;
}

/** The objects within the filter at some revision, by subject, as `expected` leaves them. */
function foldExpected(state: Map<string, Expected>, event: Expected): void {
  if (event.types.includes('DELETED')) state.delete(event.logged.subject);
  else state.set(event.logged.subject, event);
}

const shows = (event: ObjectEvent, expected: Expected): boolean =>
  event.seen.revision === expected.revision && describeKey(event.seen.key) === describeKey(expected.logged.event.key);

type Start =
  | { readonly outcome: 'at'; readonly revision: Revision; readonly initial: number }
  /** It ended before its first state was complete. */
  | { readonly outcome: 'cut' }
  | { readonly outcome: 'nowhere' };

/**
 * Where a watch that begins with what there is began: the revision at which its first events are all that there was, and after
 * which it goes on as the log does. When nothing came after them it may be several, of which the last is taken.
 */
function findStart(session: WatchSession, expected: readonly Expected[]): Start {
  const events = session.events.filter((event): event is ObjectEvent => event.type !== 'BOOKMARK');
  // Where the watch says it itself: the beginning of a first state may look like one of a moment before.
  const ended = session.events.findIndex((event) => event.type === 'BOOKMARK' && event.initialEventsEnd);
  const told = ended < 0 ? undefined : session.events.slice(0, ended).filter(({ type }) => type !== 'BOOKMARK').length;
  const state = new Map<string, Expected>();
  const isState = (first: readonly ObjectEvent[]): boolean =>
    first.every((event) => event.type === 'ADDED' && [...state.values()].some((candidate) => shows(event, candidate)));
  let found: Start = { outcome: 'nowhere' };
  for (let at = 0; at <= expected.length; at++) {
    if (at > 0) foldExpected(state, expected[at - 1]!);
    const initial = state.size;
    if (initial > events.length || !isState(events.slice(0, initial))) continue;
    const here: Start = { outcome: 'at', revision: at === 0 ? noRevision : expected[at - 1]!.revision, initial };
    const [follows, next] = [events[initial], expected[at]];
    if (follows === undefined) found = here;
    else if (next !== undefined && shows(follows, next) && (told === undefined || told === initial)) return here;
    // What follows is wrong: taken only if there is nothing better, to say so.
    else if (initial > 0 && follows.seen.revision > here.revision) found = here;
  }
  if (found.outcome !== 'nowhere') return found;
  const mayBeCut =
    session.end.type !== 'open' &&
    events.every((event) => event.type === 'ADDED' && expected.some((candidate) => shows(event, candidate)));
  return mayBeCut ? { outcome: 'cut' } : found;
}

type ExpectedOf = (session: WatchSession, resource: ResourceName) => readonly Expected[] | undefined;

function judgeSession(
  session: WatchSession,
  evidence: Evidence,
  context: WatchContext,
  expectedOfWatch: ExpectedOf,
): Violation[] {
  const { journal, log } = evidence;
  const resource = context.storedAs?.(session.target) ?? session.target;
  const history = log.history(streamOf(resource));
  if (history === undefined) return [];
  const found: Violation[] = [];
  const name = `the watch of ${session.client} for ${session.target.resource}`;
  const blame = (what: string, events: readonly SeenEvent[] = [], entries: readonly LoggedEvent[] = []): void => {
    found.push(violation('J4 watch', `${name} ${what}`, tell(journal, { session, events, entries })));
  };

  const { from } = session;
  const expected = expectedOfWatch(session, resource);
  if (expected === undefined) return found;

  // Below the floor the log can't say what there was.
  if (history.floor > (from.type === 'exactly' ? from.revision : 0)) return found;
  const began: Start =
    from.type === 'exactly' ? { outcome: 'at', revision: from.revision, initial: 0 } : findStart(session, expected);
  if (began.outcome === 'nowhere')
    blame('begins with objects that were there together at no time', session.events.slice(0, 6));
  if (began.outcome !== 'at') return found;

  const { initial, revision: start } = began;
  const rest = expected.filter(({ revision }) => revision > start);
  let next = 0;
  let position = start;
  let objectsSeen = 0;

  function judgeContent(event: ObjectEvent, state: LoggedEvent, around: readonly SeenEvent[]): void {
    const object = objectOf(state);
    // Another version of the kind looks different by right.
    if (object === undefined || object.apiVersion !== event.seen.object.apiVersion) return;
    if (!isSameObject(event.seen.object, object))
      blame(`was shown another ${describeKey(event.seen.key)} at ${event.seen.revision} than the log has`, around, [
        state,
      ]);
  }

  function judgeBookmark(event: Extract<SeenEvent, { type: 'BOOKMARK' }>, around: readonly SeenEvent[]): boolean {
    const { revision } = event;
    const missed = rest.slice(next).find((due) => due.isOptional !== true);
    if (revision < position) blame(`was given a bookmark ${revision} behind ${position}`, around);
    if (event.initialEventsEnd && objectsSeen < initial)
      blame('was told of the end of the initial events too early', around);
    if (log.splitsTransaction(history!.stream, revision))
      blame(`was given a bookmark ${revision} in the middle of a transaction`, around);
    if (missed === undefined || missed.revision > revision) return true;
    blame(`was given a bookmark ${revision} before what is at ${missed.revision}`, around, [missed.logged]);
    return false;
  }

  for (const [at, event] of session.events.entries()) {
    const around = session.events.slice(Math.max(0, at - 2), at + 1);
    if (event.type === 'BOOKMARK') {
      if (!judgeBookmark(event, around)) return found;
      if (event.revision > position) position = event.revision;
      continue;
    }
    objectsSeen += 1;
    if (objectsSeen <= initial) {
      judgeContent(event, expected.find((candidate) => shows(event, candidate))!.state, around);
      continue;
    }
    while (rest[next]?.isOptional && !shows(event, rest[next]!)) next += 1;
    const wanted = rest[next];
    if (wanted === undefined || !shows(event, wanted) || !wanted.types.includes(event.type)) {
      blame(describeDifference(event, wanted, position), around, wanted ? [wanted.logged] : []);
      return found;
    }
    judgeContent(event, wanted.state, around);
    next += 1;
    position = wanted.revision;
  }
  const { deliveredBeforeMs = Number.POSITIVE_INFINITY } = context;
  const missed = rest.slice(next).find((due) => due.isOptional !== true && due.logged.timestampMs < deliveredBeforeMs);
  if (session.end.type === 'open' && missed !== undefined)
    blame(`was never told of ${missed.types[0]} at ${missed.revision}`, session.events.slice(-2), [missed.logged]);
  return found;
}

function describeDifference(event: ObjectEvent, wanted: Expected | undefined, position: Revision): string {
  const told = `${event.type} ${describeKey(event.seen.key)} at ${event.seen.revision}`;
  if (event.seen.revision <= position) return `was told ${told} after ${position}`;
  if (wanted === undefined) return `was told ${told}, which does not follow from the log`;
  const due = `${wanted.types.join(' or ')} ${describeKey(wanted.logged.event.key)} at ${wanted.revision}`;
  return `was told ${told} where ${due} was due`;
}

/** Watches of a part of the log that is not known any more are judged by what can be. */
export function checkWatches(evidence: Evidence, context: WatchContext = {}): Violation[] {
  const known = new Map<string, readonly Expected[] | undefined>();
  const expectedOfWatch: ExpectedOf = (session, resource) => {
    const { labelSelector, fieldSelector, target } = session;
    const id = JSON.stringify([resource.group, resource.resource, target.namespace, labelSelector, fieldSelector]);
    if (!known.has(id)) known.set(id, expectedEvents(entriesOf(evidence.log, resource), createFilter(session)));
    return known.get(id);
  };
  return evidence.journal.sessions.flatMap((session) => judgeSession(session, evidence, context, expectedOfWatch));
}
