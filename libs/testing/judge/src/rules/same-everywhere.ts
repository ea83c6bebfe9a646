/** J6: whatever is read – a cache, a table, an answer to a client – is the fold of the log at its revision. */
import type { Revision } from '@periplus/api/meta';
import { streamOf } from '@periplus/log/object-events';
import type { Evidence } from '../evidence.js';
import { createFilter } from '../filter.js';
import { type LoggedEvent, type LogHistory, objectOf } from '../log-history.js';
import { describeKey, type LogIndex, stateAtEnd } from '../log-index.js';
import { isSameObject } from '../same-object.js';
import type { GetCall, ListCall, SeenObject } from '../recorded-call.js';
import { describeCall, describeEntry, tell } from '../story.js';
import { type Violation, violation } from '../violation.js';

/** One object as a view holds it. */
export interface ViewedObject {
  readonly key: LoggedEvent['event']['key'];
  readonly revision: Revision;
  /** Absent when the view can't, or need not, show it. */
  readonly json?: Uint8Array;
}

/** All that a view holds of one stream, after it has caught up with the log's end. */
export interface View {
  readonly name: string;
  readonly objects: Iterable<ViewedObject>;
}

const maxTold = 5;

const toObject = (json: Uint8Array): object => JSON.parse(Buffer.from(json).toString('utf8')) as object;

/** Compares what a view holds with the fold of the log: the same objects, at the same revisions, with the same content. */
export function checkView(view: View, history: LogHistory): Violation[] {
  const differences: string[] = [];
  const missing = new Map(stateAtEnd(history).map((logged) => [describeKey(logged.event.key), logged]));
  for (const { key, revision, json } of view.objects) {
    const name = describeKey(key);
    const logged = missing.get(name);
    missing.delete(name);
    if (logged === undefined) differences.push(`has ${name} at ${revision}, which the log does not have`);
    else if (logged.revision !== revision)
      differences.push(`has ${name} at ${revision}, the log at ${logged.revision}`);
    else if (json !== undefined) {
      const object = objectOf(logged);
      if (object !== undefined && !isSameObject(toObject(json), object))
        differences.push(`has another ${name} at ${revision} than the log`);
    }
  }
  for (const [name, logged] of missing) differences.push(`lacks ${name}, which the log has at ${logged.revision}`);
  return differences.map((difference) => violation('J6 same everywhere', `${view.name} ${difference}`));
}

/** In the order of lists: by `namespace/name`, byte by byte. */
function sortName({ key }: SeenObject | LoggedEvent['event']): Buffer {
  return Buffer.from(`${key.namespace}/${key.name}`, 'utf8');
}

function hasContent(seen: SeenObject, logged: LoggedEvent): boolean {
  const object = objectOf(logged);
  if (object === undefined || object.apiVersion !== seen.object.apiVersion) return true;
  return isSameObject(seen.object, object);
}

/** What a list is to hold; undefined when the log can't say. */
function expectedItems(call: ListCall, revision: Revision, log: LogIndex): readonly LoggedEvent[] | undefined {
  const history = log.history(streamOf(call.target));
  if (history === undefined || revision < history.floor || history.floor > 0) return undefined;
  const isIn = createFilter(call);
  const items: LoggedEvent[] = [];
  for (const timeline of log.timelinesOf(call.target)) {
    const logged = log.stateAt(timeline, revision);
    const isInside = logged && isIn(logged);
    if (logged !== undefined && isInside === undefined) return undefined;
    if (isInside) items.push(logged);
  }
  items.sort((a, b) => Buffer.compare(sortName(a.event), sortName(b.event)));
  const before = call.continues?.outcome;
  const last = before?.type === 'ok' && 'items' in before ? before.items.at(-1) : undefined;
  if (call.continues !== undefined && last === undefined) return undefined;
  const behind =
    last === undefined ? items : items.filter(({ event }) => Buffer.compare(sortName(event), sortName(last)) > 0);
  return call.limit ? behind.slice(0, call.limit) : behind;
}

/** Each answer to a read is what the log says of its revision, whole transactions only. */
export function checkAnswers({ journal, log }: Evidence): Violation[] {
  const found: Violation[] = [];

  function judgeGet(call: GetCall): void {
    if (call.outcome.type !== 'ok') return;
    const { seen } = call.outcome;
    const timeline = log.timeline(call.key);
    const history = log.history(streamOf(call.key));
    if (timeline === undefined || history === undefined || seen.revision <= history.floor) return;
    const asked = call.freshness.type === 'exactly' ? call.freshness.revision : seen.revision;
    const logged = log.stateAt(timeline, asked);
    if (logged?.revision === seen.revision && hasContent(seen, logged)) return;
    const what = `${call.client} was given a ${describeKey(call.key)} at ${seen.revision} that the log does not have`;
    found.push(
      violation('J6 same everywhere', what, tell(journal, { calls: [call], entries: logged ? [logged] : [] })),
    );
  }

  function judgeList(call: ListCall): void {
    const { outcome } = call;
    if (outcome.type !== 'ok') return;
    const { revision, items } = outcome;
    const blame = (what: string, more: readonly string[] = []): void => {
      const story = [...(call.continues ? [describeCall(call.continues)] : []), describeCall(call), ...more];
      found.push(violation('J6 same everywhere', `a list of ${call.client} as of ${revision} ${what}`, story));
    };
    const { freshness, continues } = call;
    if (freshness.type === 'exactly' && !continues && freshness.revision !== revision)
      blame(`was asked for as of ${freshness.revision}`);
    const pinned = continues?.outcome;
    if (pinned?.type === 'ok' && 'revision' in pinned && pinned.revision !== revision)
      blame(`goes on with one as of ${pinned.revision}`);
    if (log.splitsTransaction(streamOf(call.target), revision)) blame('ends in the middle of a transaction');
    const expected = expectedItems(call, revision, log);
    if (expected === undefined) return;
    const differs = expected.findIndex((logged, at) => {
      const item = items[at];
      return (
        item === undefined ||
        item.revision !== logged.revision ||
        describeKey(item.key) !== describeKey(logged.event.key)
      );
    });
    const tellEntries = (entries: readonly LoggedEvent[]) =>
      entries.slice(0, maxTold).map((logged) => describeEntry(logged, journal.originMs));
    if (differs !== -1) {
      const item = items[differs];
      blame(
        `has ${item ? `${describeKey(item.key)} at ${item.revision}` : 'nothing'} where the log has ${describeKey(expected[differs]!.event.key)} at ${expected[differs]!.revision}`,
        tellEntries([expected[differs]!]),
      );
    } else if (items.length > expected.length) {
      const item = items[expected.length]!;
      blame(`has ${describeKey(item.key)} at ${item.revision}, which the log does not have there`);
    } else {
      const changed = expected.filter((logged, at) => !hasContent(items[at]!, logged));
      if (changed.length > 0) blame(`has other content than the log`, tellEntries(changed));
    }
  }

  for (const call of journal.calls)
    if (call.kind === 'get') judgeGet(call);
    else if (call.kind === 'list') judgeList(call);
  return found;
}
