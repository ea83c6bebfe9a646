/** Small histories made by hand, for the tables of the rules: ConfigMaps x, y … in one namespace, times in milliseconds. */
import { type KubeObject, type ObjectKey, toRevision } from '@periplus/api/meta';
import type { ObjectEvent } from '@periplus/log/object-events';
import type { Evidence } from './evidence.js';
import type { LoggedEvent, LogHistory } from './log-history.js';
import { createLogIndex } from './log-index.js';
import type {
  GetCall,
  ListCall,
  RecordedCall,
  SeenEvent,
  SeenObject,
  WatchSession,
  WriteCall,
} from './recorded-call.js';

export const target = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' };
export const keyOf = (name: string): ObjectKey => ({ group: '', resource: 'configmaps', namespace: 'default', name });

/** `labels` are written `tier=gold`; `data` is anything. */
export interface Content {
  readonly label?: string;
  readonly data?: string;
}

export function objectOf(name: string, { label, data }: Content = {}): KubeObject {
  const [labelName = '', value = ''] = label?.split('=') ?? [];
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default', ...(label ? { labels: { [labelName]: value } } : {}) },
    ...(data === undefined ? {} : { data: { data } }),
  } as KubeObject;
}

export interface MadeEntry extends Content {
  readonly verb?: ObjectEvent['verb'];
  readonly parent?: number;
  readonly request?: string;
  readonly atMs?: number;
  /** id, index, count */
  readonly transaction?: readonly [string, number, number];
}

/** Its request is `r<revision>`, its parent must be given. */
export function entry(revision: number, name: string, made: MadeEntry = {}): LoggedEvent {
  const { verb, parent = 0, request = `r${revision}`, atMs = revision, transaction } = made;
  return {
    revision: toRevision(revision),
    subject: `objects.core.configmaps.default.${name}`,
    timestampMs: atMs,
    event: {
      verb: verb ?? (parent === 0 ? 'create' : 'update'),
      key: keyOf(name),
      uid: `uid-of-${name}`,
      actor: { user: 'alice', groups: [], userAgent: '' },
      requestId: request,
      changeId: '',
      timeMicros: atMs * 1_000,
      parent: toRevision(parent),
      apiVersion: 'v1',
      kind: 'ConfigMap',
      object: Buffer.from(JSON.stringify(objectOf(name, made))),
      ...(transaction ? { transaction: { id: transaction[0], index: transaction[1], count: transaction[2] } } : {}),
    },
  };
}

export function historyOf(entries: readonly LoggedEvent[], floor = 0): LogHistory {
  const last = entries.at(-1)?.revision ?? toRevision(floor);
  return { stream: 'objects', floor: toRevision(floor), last, entries, unreadable: [] };
}

export function seen(name: string, revision: number, content: Content = {}): SeenObject {
  return { key: keyOf(name), revision: toRevision(revision), object: objectOf(name, content) };
}

/** From when to when; an infinite end is no answer. */
export type Times = readonly [startMs: number, endMs: number];

interface CallParts {
  readonly client?: string;
  readonly connection?: string;
}
const timesOf = ([startMs, endMs]: Times, { client = 'alice', connection = 'server' }: CallParts) => ({
  client,
  connection,
  startMs,
  endMs,
});

/** `ok` is the revision that was answered; neither it nor `refused` is no answer. */
export function write(
  verb: WriteCall['verb'],
  name: string,
  times: Times,
  parts: CallParts & {
    readonly request?: string;
    readonly ok?: number | 'status';
    readonly refused?: string;
    readonly expected?: number;
  } = {},
): WriteCall {
  const { ok, refused, expected } = parts;
  const outcome: WriteCall['outcome'] =
    refused !== undefined
      ? { type: 'refused', reason: refused, message: 'no' }
      : ok === undefined
        ? { type: 'unknown', why: 'no answer' }
        : ok === 'status'
          ? { type: 'ok' }
          : { type: 'ok', seen: seen(name, ok) };
  return {
    ...timesOf(times, parts),
    kind: 'write',
    verb,
    key: keyOf(name),
    requestId: parts.request ?? (typeof ok === 'number' ? `r${ok}` : 'unnamed'),
    ...(expected === undefined ? {} : { expected: toRevision(expected) }),
    hasOtherConditions: false,
    outcome,
  };
}

type Fresh = 'newest' | 'cached' | number;
const freshnessOf = (fresh: Fresh, type: 'atLeast' | 'exactly'): GetCall['freshness'] =>
  typeof fresh === 'number' ? { type, revision: toRevision(fresh) } : { type: fresh };

/** `at` is the revision that was answered; 0 is 404. */
export function get(
  name: string,
  times: Times,
  at: number,
  parts: CallParts & Content & { readonly fresh?: Fresh } = {},
): GetCall {
  return {
    ...timesOf(times, parts),
    kind: 'get',
    key: keyOf(name),
    freshness: freshnessOf(parts.fresh ?? 'newest', 'atLeast'),
    outcome:
      at === 0 ? { type: 'refused', reason: 'NotFound', message: 'no' } : { type: 'ok', seen: seen(name, at, parts) },
  };
}

/** `fresh` as a number is an exact revision. */
export function list(
  times: Times,
  at: number,
  items: readonly SeenObject[],
  parts: CallParts &
    Partial<Pick<ListCall, 'labelSelector' | 'limit' | 'continues'>> & { fresh?: Fresh; more?: boolean } = {},
): ListCall {
  const { labelSelector, limit, continues, fresh = 'newest', more = false } = parts;
  return {
    ...timesOf(times, parts),
    kind: 'list',
    target,
    ...(labelSelector ? { labelSelector } : {}),
    ...(limit ? { limit } : {}),
    ...(continues ? { continues } : {}),
    freshness: freshnessOf(fresh, 'exactly'),
    outcome: { type: 'ok', revision: toRevision(at), items, more },
  };
}

let eventMs = 0;
export function told(
  type: 'ADDED' | 'MODIFIED' | 'DELETED',
  name: string,
  revision: number,
  content: Content = {},
): SeenEvent {
  eventMs += 1;
  return { type, atMs: eventMs, seen: seen(name, revision, content) };
}
export function bookmark(revision: number, initialEventsEnd = false): SeenEvent {
  eventMs += 1;
  return { type: 'BOOKMARK', atMs: eventMs, revision: toRevision(revision), initialEventsEnd };
}

/** `from` as a number: what comes after it. Open unless it is said how it ended. */
export function session(
  from: Fresh,
  events: readonly SeenEvent[],
  parts: Partial<Pick<WatchSession, 'labelSelector' | 'fieldSelector' | 'end' | 'sendInitialEvents' | 'startMs'>> &
    CallParts = {},
): WatchSession {
  return {
    client: 'watcher',
    connection: 'server',
    target,
    from: typeof from === 'number' ? { type: 'exactly', revision: toRevision(from) } : { type: from },
    sendInitialEvents: false,
    startMs: 0,
    end: { type: 'open' },
    ...parts,
    events,
  };
}

export function evidenceOf(
  entries: readonly LoggedEvent[],
  calls: readonly RecordedCall[] = [],
  sessions: readonly WatchSession[] = [],
  floor = 0,
): Evidence {
  return { journal: { calls, sessions, originMs: 0 }, log: createLogIndex([historyOf(entries, floor)]) };
}
