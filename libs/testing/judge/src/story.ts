/** How calls, events and entries read in a story: a line each, in order of time. */
import type { Journal } from './journal.js';
import type { LoggedEvent } from './log-history.js';
import { describeKey } from './log-index.js';
import type { Freshness, ListCall, RecordedCall, SeenEvent, WatchSession } from './recorded-call.js';

interface Told {
  readonly atMs: number;
  readonly text: string;
}

function seconds(ms: number): string {
  return Number.isFinite(ms) ? `${(ms / 1_000).toFixed(3)} s` : 'never';
}

function describeFreshness(freshness: Freshness): string {
  switch (freshness.type) {
    case 'newest':
      return 'the newest';
    case 'cached':
      return 'what is cached';
    case 'atLeast':
      return `not older than ${freshness.revision}`;
    case 'exactly':
      return `as of ${freshness.revision}`;
    case 'past':
      return 'as of a time';
  }
}

function describeScope(asked: Pick<ListCall, 'target' | 'labelSelector' | 'fieldSelector'>): string {
  const { group, resource, namespace } = asked.target;
  const selectors = [asked.labelSelector, asked.fieldSelector].filter(Boolean).join(' ');
  return `${group || 'core'}/${resource}${namespace === '' ? '' : ` in ${namespace}`}${selectors === '' ? '' : ` where ${selectors}`}`;
}

function describeAsked(call: RecordedCall): string {
  switch (call.kind) {
    case 'write': {
      const condition = call.expected === undefined ? '' : ` if at ${call.expected}`;
      const part = call.subresource ? `/${call.subresource}` : '';
      return `${call.verb} ${describeKey(call.key)}${part}${condition} (request ${call.requestId})`;
    }
    case 'get':
      return `get ${describeKey(call.key)}, ${describeFreshness(call.freshness)}`;
    case 'list':
      return `list ${describeScope(call)}, ${describeFreshness(call.freshness)}${call.limit ? `, ${call.limit} at once` : ''}`;
  }
}

function describeOutcome({ outcome }: RecordedCall): string {
  switch (outcome.type) {
    case 'unknown':
      return `unknown (${outcome.why})`;
    case 'refused':
      return `refused (${outcome.reason}: ${outcome.message})`;
    case 'ok': {
      if ('items' in outcome) return `${outcome.items.length} objects at ${outcome.revision}`;
      return outcome.seen ? `ok at ${outcome.seen.revision}` : 'ok';
    }
  }
}

export function describeCall(call: RecordedCall): string {
  const over = call.connection === undefined ? '' : ` over ${call.connection}`;
  return `${seconds(call.startMs)} to ${seconds(call.endMs)}  ${call.client}${over}: ${describeAsked(call)} → ${describeOutcome(call)}`;
}

export function describeSession(session: WatchSession): string {
  const over = session.connection === undefined ? '' : ` over ${session.connection}`;
  return `${seconds(session.startMs)}  ${session.client}${over}: watch ${describeScope(session)} from ${describeFreshness(session.from)}`;
}

export function describeEvent(client: string, event: SeenEvent): string {
  const what =
    event.type === 'BOOKMARK'
      ? `BOOKMARK ${event.revision}`
      : `${event.type} ${describeKey(event.seen.key)} at ${event.seen.revision}`;
  return `${seconds(event.atMs)}  ${client} is told ${what}`;
}

export function describeEntry(logged: LoggedEvent, originMs: number): string {
  const { event, revision, timestampMs } = logged;
  const { verb, actor, parent, requestId, transaction } = event;
  const within = transaction
    ? `, ${transaction.index + 1} of ${transaction.count} of transaction ${transaction.id}`
    : '';
  const from = parent === 0 ? '' : ` on ${parent}`;
  return `${seconds(timestampMs - originMs)}  the log at ${revision}: ${verb} ${describeKey(event.key)}${from} by ${actor.user} (request ${requestId}${within})`;
}

/** Put in order of time: calls by their begin, entries by the log's clock. */
export function tell(
  { originMs }: Pick<Journal, 'originMs'>,
  parts: {
    readonly calls?: readonly RecordedCall[];
    readonly entries?: readonly LoggedEvent[];
    readonly session?: WatchSession;
    readonly events?: readonly SeenEvent[];
  },
): string[] {
  const { calls = [], entries = [], session, events = [] } = parts;
  const told: Told[] = [
    ...calls.map((call) => ({ atMs: call.startMs, text: describeCall(call) })),
    ...entries.map((logged) => ({ atMs: logged.timestampMs - originMs, text: describeEntry(logged, originMs) })),
    ...(session ? [{ atMs: session.startMs, text: describeSession(session) }] : []),
    ...events.map((event) => ({ atMs: event.atMs, text: describeEvent(session?.client ?? 'a client', event) })),
  ];
  return told.sort((a, b) => a.atMs - b.atMs).map(({ text }) => text);
}
