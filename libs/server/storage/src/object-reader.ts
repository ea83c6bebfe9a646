/** Gets and lists: the newest by default, anything cached, not older than, exactly at, in pages, and in the past. */
import type { KindSchema } from '@periplus/api/kinds';
import {
  badRequest,
  expired,
  formatGroupResource,
  formatResourceVersion,
  gone,
  notFound,
  type ObjectKey,
  parseResourceVersion,
  type Revision,
  serviceUnavailable,
  storeReadError,
  tooLargeResourceVersion,
  toRevision,
} from '@periplus/api/meta';
import type { Time } from '@periplus/base/clock';
import type { StreamName } from '@periplus/log/event-log';
import { streamOf } from '@periplus/log/object-events';
import type { DamagedObject, ResourceName, WatchCache } from '@periplus/view/watch-cache';
import { continueTokenLifeMs, formatContinueToken, parseContinueToken } from './continue-token.js';
import { type History, type HistoryItem, isHistoryUnavailable, type Past } from './history.js';
import { parsePointInTime } from './point-in-time.js';
import type { ReadBarrier } from './read-barrier.js';
import { isSelected, type Selection, scopeOf, selectsAll } from './selection.js';
import type { StoredObject } from './stored-object.js';

export interface GetOptions {
  /** Absent: the newest; `0`: what is cached; else not older than it. */
  readonly resourceVersion?: string;
  /** The past: a resourceVersion, an RFC 3339 time, or a duration back. */
  readonly at?: string;
  readonly deadline: number;
}

export interface ListOptions extends GetOptions {
  /** `Exact` or `NotOlderThan`. */
  readonly resourceVersionMatch?: string;
  readonly limit?: number;
  readonly continue?: string;
}

export interface StoredList {
  readonly items: readonly StoredObject[];
  /** Of the items those that are shown as they were before their newest entry, which nobody can read. */
  readonly outdated?: readonly DamagedObject[];
  readonly revision: Revision;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export interface ObjectReader {
  /** Throws 404 when there is none. */
  get(kind: KindSchema, namespace: string, name: string, options: GetOptions): Promise<StoredObject>;
  list(kind: KindSchema, selection: Selection, options: ListOptions): Promise<StoredList>;
  history(kind: KindSchema, namespace: string, name: string, limit: number): Promise<readonly HistoryItem[]>;
  /** Waits until a read that says no more than this about its freshness may be answered from the cache. */
  reach(stream: StreamName, resourceVersion: string | undefined, deadline: number): Promise<void>;
}

export interface ObjectReaderOptions {
  readonly cache: WatchCache;
  readonly barrier: ReadBarrier;
  /** Absent where nothing older than the cache can be read. */
  readonly history: History | undefined;
  readonly time: Time;
}

/** As upstream: what a reader waits for a revision that is ahead of the cache. */
const futureRevisionWaitMs = 3_000;
const noRevision = toRevision(0);

const positionOf = (key: ObjectKey): string => `${key.namespace}/${key.name}`;
const isAfter = (key: ObjectKey, after: Buffer): boolean => Buffer.compare(Buffer.from(positionOf(key)), after) > 0;

export function parseRevision(text: string): Revision {
  const revision = parseResourceVersion(text);
  if (revision === undefined) throw badRequest(`invalid resource version: ${JSON.stringify(text)}`);
  return revision;
}

export const expiredRevision = (revision: Revision): Error =>
  expired(`The resourceVersion for the provided list is too old: ${formatResourceVersion(revision)}.`);

/** What was may be there and can't be looked up: not to be confused with history that is gone. */
export const historyUnavailable = (cause: unknown): Error =>
  serviceUnavailable('history can not be read at the moment', 2, cause);

function unreadable(kind: KindSchema, name: string, why: NonNullable<StoredObject['unreadable']>): Error {
  const reason = why === 'keyGone' ? 'its key was destroyed' : 'it is damaged';
  return gone(`${formatGroupResource(kind)} ${JSON.stringify(name)} can not be read any more: ${reason}`);
}

/** The newest entry of an object is not what was written: its state before is not the answer. */
function damaged(kind: KindSchema, name: string, revision: Revision, readable: Revision | undefined): Error {
  const before = readable === undefined ? '' : ` It was last readable at resourceVersion ${readable}.`;
  return storeReadError(
    `${formatGroupResource(kind)} ${JSON.stringify(name)} can not be read: its newest entry, at resourceVersion ${revision}, is damaged.${before} Deleting it or writing it anew (kubectl apply --server-side) replaces the entry.`,
  );
}

export function createObjectReader(options: ObjectReaderOptions): ObjectReader {
  const { cache, barrier, history, time } = options;

  const resourceOf = (kind: KindSchema): ResourceName => ({ group: kind.storage.group, resource: kind.resource });
  const remaining = (deadline: number): number => Math.max(0, deadline - time.monotonic());

  async function reachRevision(stream: StreamName, revision: Revision, deadline: number): Promise<void> {
    if (cache.appliedRevision(stream) >= revision) return;
    const reached = await cache.waitFor(stream, revision, Math.min(futureRevisionWaitMs, remaining(deadline)));
    if (!reached)
      throw tooLargeResourceVersion(
        formatResourceVersion(revision),
        formatResourceVersion(cache.appliedRevision(stream)),
      );
  }

  async function reach(stream: StreamName, resourceVersion: string | undefined, deadline: number): Promise<void> {
    if (resourceVersion === undefined || resourceVersion === '') await barrier.pass(stream, deadline);
    else await reachRevision(stream, parseRevision(resourceVersion), deadline);
  }

  async function fromHistory<T>(read: (history: History) => Promise<Past<T>>, revision: Revision): Promise<T> {
    if (history === undefined) throw expiredRevision(revision);
    let past: Past<T>;
    try {
      past = await read(history);
    } catch (error) {
      if (!isHistoryUnavailable(error)) throw error;
      throw historyUnavailable(error);
    }
    if (past.outcome === 'purged') throw expiredRevision(revision);
    return past.value;
  }

  async function listAt(
    kind: KindSchema,
    selection: Selection,
    revision: Revision,
    deadline: number,
  ): Promise<readonly StoredObject[]> {
    await reachRevision(streamOf(resourceOf(kind)), revision, deadline);
    const cached = cache.listAt(resourceOf(kind), revision, scopeOf(selection));
    if (cached.outcome === 'list') return cached.list.items;
    return fromHistory((past) => past.listAt(resourceOf(kind), revision, selection.namespace || undefined), revision);
  }

  /** The revision of `stream` that a point in the past means. */
  async function revisionOfPoint(stream: StreamName, at: string, deadline: number): Promise<Revision> {
    const point = parsePointInTime(at, time.now());
    if (point.type === 'revision') {
      await reachRevision(stream, point.revision, deadline);
      return point.revision;
    }
    await barrier.pass(stream, deadline);
    const cached = cache.revisionAtTime(stream, point.timeMs);
    if (cached !== undefined) return cached;
    return fromHistory(
      async (past) => ({
        outcome: 'found',
        value: await past.revisionAtTime(stream, point.timeMs, cache.appliedRevision(stream)),
      }),
      noRevision,
    );
  }

  /** Throws when what is wanted is, or may be, what a damaged entry said. */
  function refuseDamaged(kind: KindSchema, key: ObjectKey, wanted: Revision | 'newest'): void {
    const revision = cache.damagedAt(key);
    if (revision === undefined || (wanted !== 'newest' && wanted < revision)) return;
    throw damaged(kind, key.name, revision, cache.get(key)?.revision);
  }

  function outdatedIn(kind: KindSchema, { items, revision }: Base): Pick<StoredList, 'outdated'> {
    const outdated = cache
      .damaged(resourceOf(kind))
      .filter(
        (object) =>
          object.revision <= revision && items.some((item) => positionOf(item.key) === positionOf(object.key)),
      );
    return outdated.length === 0 ? {} : { outdated };
  }

  async function getPast(
    kind: KindSchema,
    key: ObjectKey,
    at: string,
    deadline: number,
  ): Promise<StoredObject | undefined> {
    const revision = await revisionOfPoint(streamOf(key), at, deadline);
    refuseDamaged(kind, key, revision);
    const cached = cache.getAt(key, revision);
    if (cached.outcome === 'object') return cached.object;
    return fromHistory((past) => past.objectAt(key, revision), revision);
  }

  interface Base {
    readonly items: readonly StoredObject[];
    readonly revision: Revision;
  }

  async function baseOf(kind: KindSchema, selection: Selection, list: ListOptions): Promise<Base> {
    const stream = streamOf(resourceOf(kind));
    const at = async (revision: Revision): Promise<Base> => ({
      items: await listAt(kind, selection, revision, list.deadline),
      revision,
    });
    if (list.at !== undefined) return at(await revisionOfPoint(stream, list.at, list.deadline));
    if (list.resourceVersionMatch === 'Exact') return at(parseRevision(list.resourceVersion ?? ''));
    await reach(stream, list.resourceVersion, list.deadline);
    return current(kind, selection);
  }

  /** The newest state; one object of one namespace is looked up rather than looked for. */
  function current(kind: KindSchema, selection: Selection): Base {
    const resource = resourceOf(kind);
    const { name, namespace } = selection;
    if (name === undefined || (kind.namespaced && namespace === '')) return cache.list(resource, scopeOf(selection));
    const found = cache.get({ ...resource, namespace, name });
    return { items: found === undefined ? [] : [found], revision: cache.appliedRevision(streamOf(resource)) };
  }

  async function nextPage(
    kind: KindSchema,
    selection: Selection,
    list: ListOptions,
    token: string,
  ): Promise<StoredList> {
    const position = parseContinueToken(token);
    const stream = streamOf(resourceOf(kind));
    const now = time.now();
    if (position.revision === 0) {
      await barrier.pass(stream, list.deadline);
      return page(current(kind, selection), selection, list, position.after, now);
    }
    const fresh = formatContinueToken({ revision: noRevision, after: position.after, begunMs: now });
    const lapsed = (): never => {
      throw expired(
        'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
        fresh,
      );
    };
    if (now - position.begunMs > continueTokenLifeMs) return lapsed();
    let items: readonly StoredObject[];
    try {
      items = await listAt(kind, selection, position.revision, list.deadline);
    } catch (error) {
      if ((error as { reason?: unknown }).reason === 'Expired') return lapsed();
      throw error;
    }
    return page({ items, revision: position.revision }, selection, list, position.after, position.begunMs);
  }

  function page(
    base: Base,
    selection: Selection,
    list: ListOptions,
    after: string | undefined,
    begunMs: number,
  ): StoredList {
    const limit = list.limit ?? 0;
    const start = after === undefined ? undefined : Buffer.from(after);
    const found: StoredObject[] = [];
    let passed = 0;
    for (const item of base.items) {
      passed += 1;
      if (start !== undefined && !isAfter(item.key, start)) continue;
      if (!isSelected(selection, item)) continue;
      found.push(item);
      if (limit > 0 && found.length >= limit) break;
    }
    const left = base.items.length - passed;
    const last = found.at(-1);
    if (limit === 0 || left === 0 || last === undefined) return { items: found, revision: base.revision };
    return {
      items: found,
      revision: base.revision,
      continue: formatContinueToken({ revision: base.revision, after: positionOf(last.key), begunMs }),
      ...(selectsAll(selection) ? { remainingItemCount: left } : {}),
    };
  }

  return {
    reach,
    async get(kind, namespace, name, get) {
      const key: ObjectKey = { ...resourceOf(kind), namespace, name };
      let found: StoredObject | undefined;
      if (get.at !== undefined) found = await getPast(kind, key, get.at, get.deadline);
      else {
        await reach(streamOf(key), get.resourceVersion, get.deadline);
        refuseDamaged(kind, key, get.resourceVersion ? parseRevision(get.resourceVersion) : 'newest');
        found = cache.get(key);
      }
      if (found === undefined) throw notFound(kind, name);
      if (found.unreadable !== undefined) throw unreadable(kind, name, found.unreadable);
      return found;
    },
    async list(kind, selection, list) {
      if (list.continue !== undefined && list.continue !== '') return nextPage(kind, selection, list, list.continue);
      const first = page(await baseOf(kind, selection, list), selection, list, undefined, time.now());
      return { ...first, ...outdatedIn(kind, first) };
    },
    async history(kind, namespace, name, limit) {
      const key: ObjectKey = { ...resourceOf(kind), namespace, name };
      return fromHistory(
        async (past) => ({
          outcome: 'found',
          value: await past.entries(key, limit, cache.appliedRevision(streamOf(key))),
        }),
        noRevision,
      );
    },
  };
}
