/** J3: the calls on each object fit a register with compare-and-set, in an order that agrees with their times. */
import type { ObjectKey } from '@periplus/api/meta';
import { streamOf } from '@periplus/log/object-events';
import type { Evidence } from '../evidence.js';
import type { LoggedEvent } from '../log-history.js';
import { describeKey, noRevision, requestOf, type Timeline } from '../log-index.js';
import type { RecordedCall, WriteCall } from '../recorded-call.js';
import { type RegisterCall, searchOrder } from '../register-search.js';
import { describeCall, describeEntry } from '../story.js';
import { type Violation, violation } from '../violation.js';

export interface LinearVerdict {
  readonly violations: readonly Violation[];
  /** Objects that were judged, and the work that it took in all. */
  readonly objects: number;
  readonly steps: number;
  /** Objects for which the bound on work was reached. */
  readonly unfinished: readonly string[];
}

/** What the register is told, and what stands in a story for it. */
interface Step {
  readonly register: RegisterCall;
  readonly told: string;
}

const defaultStepsMax = 200_000;
const toldPlacedMax = 4;
const toldStuckMax = 6;

/** What a write that was carried out found and left. The entry says it where the answer did not. */
function done(call: WriteCall, entry: LoggedEvent | undefined): Pick<RegisterCall, 'finds' | 'leaves'> | undefined {
  const seen = call.outcome.type === 'ok' ? call.outcome.seen?.revision : undefined;
  const condition: RegisterCall['finds'] =
    call.expected === undefined ? { type: 'something' } : { type: 'version', version: call.expected };
  if (entry === undefined) {
    // Carried out, and nothing was to be changed: what was seen was there.
    return seen === undefined ? undefined : { finds: { type: 'version', version: seen }, leaves: { type: 'same' } };
  }
  const version = seen ?? entry.revision;
  if (entry.event.verb === 'create') return { finds: { type: 'nothing' }, leaves: { type: 'something', version } };
  const leaves = entry.event.verb === 'delete' ? ('nothing' as const) : ('something' as const);
  return { finds: condition, leaves: { type: leaves, version } };
}

/** What a refusal says of the state that it was made on; undefined when it says nothing. */
function refusedOn(call: WriteCall, reason: string): RegisterCall['finds'] | undefined {
  if (call.inTransaction) return undefined;
  if (reason === 'NotFound' && call.verb !== 'create' && !call.subresource) return { type: 'nothing' };
  if (reason === 'AlreadyExists' && call.verb === 'create' && !call.subresource) return { type: 'something' };
  if (reason === 'Conflict' && call.expected !== undefined && !call.hasOtherConditions)
    return { type: 'otherThan', version: call.expected };
  return undefined;
}

/** A write nobody answered: in the log it was done at an unknown time, and without a log it may have been done. */
function unanswered(call: WriteCall, entry: LoggedEvent | undefined, isWhole: boolean): RegisterCall | undefined {
  const times = { startMs: call.startMs, endMs: Number.POSITIVE_INFINITY };
  if (entry !== undefined) return { ...times, optional: false, ...done(call, entry)! };
  if (isWhole) return undefined;
  const finds: RegisterCall['finds'] =
    call.verb === 'create'
      ? { type: 'nothing' }
      : call.expected === undefined
        ? { type: 'something' }
        : { type: 'version', version: call.expected };
  const leaves = call.verb === 'delete' ? ('nothing' as const) : ('something' as const);
  return { ...times, optional: true, finds, leaves: { type: leaves } };
}

function toRegister(call: RecordedCall, key: ObjectKey, evidence: Evidence): RegisterCall | undefined {
  const { log } = evidence;
  const times = { startMs: call.startMs, endMs: call.endMs, optional: false };
  const { outcome } = call;
  switch (call.kind) {
    case 'write': {
      const entry = log.writtenBy(call.requestId).find(({ event }) => describeKey(event.key) === describeKey(key));
      if (outcome.type === 'unknown') {
        const isWhole = log.histories.every(({ floor }) => floor === 0);
        return unanswered(call, entry, isWhole);
      }
      if (outcome.type === 'ok') {
        const effect = done(call, entry);
        return effect && { ...times, ...effect };
      }
      const finds = refusedOn(call, outcome.reason);
      return finds && { ...times, finds, leaves: { type: 'same' } };
    }
    case 'get': {
      if (call.freshness.type !== 'newest') return undefined;
      if (outcome.type === 'refused')
        return outcome.reason === 'NotFound'
          ? { ...times, finds: { type: 'nothing' }, leaves: { type: 'same' } }
          : undefined;
      if (outcome.type === 'unknown' || !('seen' in outcome) || outcome.seen === undefined) return undefined;
      return { ...times, finds: { type: 'version', version: outcome.seen.revision }, leaves: { type: 'same' } };
    }
    case 'list': {
      // Pages are of the past; a selector hides objects without saying that they are gone.
      const isWhole = !call.limit && !call.continues && !call.labelSelector && !call.fieldSelector;
      if (call.freshness.type !== 'newest' || !isWhole || outcome.type !== 'ok' || !('items' in outcome))
        return undefined;
      const { namespace } = call.target;
      if (namespace !== '' && namespace !== key.namespace) return undefined;
      const item = outcome.items.find(
        ({ key: { namespace: itsNamespace, name } }) => name === key.name && itsNamespace === key.namespace,
      );
      const finds: RegisterCall['finds'] = item ? { type: 'version', version: item.revision } : { type: 'nothing' };
      return { ...times, finds, leaves: { type: 'same' } };
    }
  }
}

/** What was written by somebody who did not keep a record: at any time, but on what its entry says. */
function byOthers(logged: LoggedEvent): RegisterCall {
  const { event, revision } = logged;
  const leaves = event.verb === 'delete' ? ('nothing' as const) : ('something' as const);
  return {
    startMs: Number.NEGATIVE_INFINITY,
    endMs: Number.POSITIVE_INFINITY,
    optional: false,
    finds: event.parent === 0 ? { type: 'nothing' } : { type: 'version', version: event.parent },
    leaves: { type: leaves, version: revision },
  };
}

/** What a list said of the one object. */
function sawIn(call: RecordedCall, { finds }: RegisterCall): string {
  if (call.kind !== 'list') return '';
  return finds.type === 'version' ? `, with this one at ${finds.version}` : ', without this one';
}

function stepsOf(timeline: Timeline, calls: readonly RecordedCall[], evidence: Evidence): Step[] {
  const recorded = new Set(calls.flatMap((call) => (call.kind === 'write' ? [call.requestId] : [])));
  return [
    ...calls.flatMap((call) => {
      const register = toRegister(call, timeline.key, evidence);
      return register ? [{ register, told: `${describeCall(call)}${sawIn(call, register)}` }] : [];
    }),
    ...timeline.entries
      .filter(({ event }) => !recorded.has(requestOf(event.requestId)))
      .map((logged) => ({ register: byOthers(logged), told: describeEntry(logged, evidence.journal.originMs) })),
  ];
}

/** The calls that say something of an object, by its name in messages. */
function callsByObject({ journal, log }: Evidence): Map<string, { timeline: Timeline; calls: RecordedCall[] }> {
  const objects = new Map<string, { timeline: Timeline; calls: RecordedCall[] }>();
  const add = (key: ObjectKey, call: RecordedCall): void => {
    const id = describeKey(key);
    const known = objects.get(id);
    if (known !== undefined) {
      known.calls.push(call);
      return;
    }
    const timeline = log.timeline(key);
    if (timeline !== undefined) objects.set(id, { timeline, calls: [call] });
  };
  for (const call of journal.calls) if (call.kind === 'write') add(call.key, call);
  for (const call of journal.calls) if (call.kind === 'get') add(call.key, call);
  const lists = journal.calls.filter((call) => call.kind === 'list');
  for (const { timeline, calls } of objects.values())
    for (const list of lists)
      if (list.target.resource === timeline.key.resource && list.target.group === timeline.key.group) calls.push(list);
  return objects;
}

/**
 * What is known of an object: from the first entry above the floor on, its parent being what was there before. Calls from
 * before that entry's time have lost what they could be held against.
 */
function aboveFloor(timeline: Timeline, calls: readonly RecordedCall[], { journal, log }: Evidence) {
  const history = log.history(streamOf(timeline.key))!;
  const { floor } = history;
  if (floor === 0) return { timeline, calls, initial: undefined };
  const entries = timeline.entries.filter(({ revision }) => revision > floor);
  const parent = entries[0]?.event.parent ?? log.stateAt(timeline, floor)?.revision ?? noRevision;
  const beginMs = history.entries.find(({ revision }) => revision > floor)?.timestampMs ?? Number.POSITIVE_INFINITY;
  return {
    timeline: { ...timeline, entries },
    calls: calls.filter(({ startMs }) => startMs > beginMs - journal.originMs),
    initial: { exists: parent !== 0, version: parent },
  };
}

/** Judges the objects that clients wrote or got. */
export function checkLinear(evidence: Evidence, stepsMax = defaultStepsMax): LinearVerdict {
  const violations: Violation[] = [];
  const unfinished: string[] = [];
  let steps = 0;
  const objects = callsByObject(evidence);
  for (const [name, { timeline, calls }] of objects) {
    const known = aboveFloor(timeline, calls, evidence);
    const judged = stepsOf(known.timeline, known.calls, evidence);
    const result = searchOrder(
      judged.map(({ register }) => register),
      stepsMax,
      known.initial,
    );
    steps += result.steps;
    if (result.outcome === 'unfinished') unfinished.push(name);
    if (result.outcome !== 'notLinear') continue;
    const { placed, stuck } = result;
    violations.push(
      violation('J3 linear', `the calls on ${name} fit no order in which each sees what those before it did`, [
        ...(placed.length > toldPlacedMax ? [`… ${placed.length - toldPlacedMax} calls, in order, and then:`] : []),
        ...placed.slice(-toldPlacedMax).map((index) => judged[index]!.told),
        'after which one of these would have to come, and none can:',
        ...stuck.slice(0, toldStuckMax).map((index) => judged[index]!.told),
      ]),
    );
  }
  return { violations, objects: objects.size, steps, unfinished };
}
