/**
 * One watch: what there is, then what changes, as one client sees it through its selectors.
 *
 * What an event is depends on the selection before and after, not on the write:
 *
 *     labels before   labels after    selector app=web says
 *     app=web         app=web         MODIFIED
 *     app=db          app=web         ADDED
 *     app=web         app=db          DELETED, with the state before and the revision of the change
 *     app=db          app=db          nothing
 */
import type { KindSchema } from '@periplus/api/kinds';
import { type KubeObject, type Revision, type Status, toRevision } from '@periplus/api/meta';
import type { Random, Time } from '@periplus/base/clock';
import { streamOf } from '@periplus/log/object-events';
import type { CacheWatch, ResourceName, WatchCache, WatchChange } from '@periplus/view/watch-cache';
import { type History, isHistoryUnavailable } from './history.js';
import { expiredRevision, historyUnavailable, type ObjectReader, parseRevision } from './object-reader.js';
import { isSelected, type Selection, scopeOf } from './selection.js';
import type { Serve, ServedObject } from './served-object.js';
import type { StoredObject } from './stored-object.js';

export type ServedEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: ServedObject }
  /** Nothing older will come; `initialEventsEnd`: all initial events were sent. */
  | {
      readonly type: 'BOOKMARK';
      readonly kind: KindSchema;
      readonly revision: Revision;
      readonly initialEventsEnd: boolean;
    }
  /** The last event of the watch. */
  | { readonly type: 'ERROR'; readonly status: Status };

/** The reader's end of a watch. */
export interface WatchSink {
  /** In order, never concurrently. `slow`: the reader is too far behind, the watch is cut (`onEnd` follows). */
  onEvents(events: readonly ServedEvent[]): 'ok' | 'slow';
  /** Called once, last, unless the reader closed the watch itself: timeout, end of service, or after an ERROR event. */
  onEnd(): void;
}

/** Stops the watch; idempotent. */
export interface WatchHandle {
  close(): void;
}

export interface WatchOptions {
  /** Absent or `0`: ADDED events of what there is come first. Otherwise what came after it. */
  readonly resourceVersion?: string;
  readonly sendInitialEvents?: boolean;
  readonly allowBookmarks?: boolean;
  readonly timeoutSeconds?: number;
  /** Until when the watch must have begun. */
  readonly deadline: number;
}

export interface Watcher {
  /** Watches that are open. */
  readonly count: number;
  watch(kind: KindSchema, selection: Selection, options: WatchOptions, sink: WatchSink): Promise<WatchHandle>;
  /** Ends all watches: clients come back to another server, or to this one after its restart. */
  closeAll(): void;
}

export interface WatcherOptions {
  readonly cache: WatchCache;
  readonly reader: ObjectReader;
  readonly history: History | undefined;
  readonly serve: Serve;
  readonly time: Time;
  readonly random: Random;
  /** JSON of an object in the storage version, resourceVersion included. */
  encode(object: KubeObject): Uint8Array;
}

const bookmarkIntervalMs = 60_000;
/** As upstream: without a timeout of its own a watch lasts between one and two of these. */
const defaultTimeoutMs = 30 * 60_000;
const noRevision = toRevision(0);

export function createWatcher(options: WatcherOptions): Watcher {
  const { cache, reader, history, serve, time, random, encode } = options;
  const open = new Set<() => void>();
  /** The state before, dressed in the revision of the change by which it left a selection; one for all watchers. */
  const departed = new WeakMap<WatchChange, StoredObject>();

  function departedOf(change: WatchChange, previous: StoredObject): StoredObject {
    let stored = departed.get(change);
    if (stored === undefined) {
      const last = previous.object();
      const object: KubeObject = {
        ...last,
        metadata: { ...last.metadata, resourceVersion: String(change.revision) },
      };
      let json: Uint8Array | undefined;
      stored = {
        key: previous.key,
        revision: change.revision,
        object: () => object,
        get storageJson() {
          json ??= encode(object);
          return json;
        },
      };
      departed.set(change, stored);
    }
    return stored;
  }

  function toEvent(kind: KindSchema, selection: Selection, change: WatchChange): ServedEvent | undefined {
    const isIn = (state: StoredObject | undefined): boolean => state !== undefined && isSelected(selection, state);
    const was = isIn(change.previous);
    if (change.type === 'delete')
      return was || (change.previous === undefined && isIn(change.current))
        ? { type: 'DELETED', object: serve(kind, change.current) }
        : undefined;
    if (isIn(change.current)) return { type: was ? 'MODIFIED' : 'ADDED', object: serve(kind, change.current) };
    return was ? { type: 'DELETED', object: serve(kind, departedOf(change, change.previous!)) } : undefined;
  }

  async function olderChanges(
    resource: ResourceName,
    selection: Selection,
    after: Revision,
    upTo: Revision,
  ): Promise<readonly WatchChange[]> {
    if (history === undefined) throw expiredRevision(after);
    let past: Awaited<ReturnType<History['changes']>>;
    try {
      past = await history.changes(resource, after, upTo, selection.namespace || undefined);
    } catch (error) {
      if (!isHistoryUnavailable(error)) throw error;
      throw historyUnavailable(error);
    }
    if (past.outcome === 'purged') throw expiredRevision(after);
    return past.value;
  }

  async function watch(
    kind: KindSchema,
    selection: Selection,
    wanted: WatchOptions,
    sink: WatchSink,
  ): Promise<WatchHandle> {
    const resource: ResourceName = { group: kind.storage.group, resource: kind.resource };
    const stream = streamOf(resource);
    const { resourceVersion = '' } = wanted;
    const fromState = wanted.sendInitialEvents ?? (resourceVersion === '' || resourceVersion === '0');
    await reader.reach(
      stream,
      fromState && resourceVersion === '' ? undefined : resourceVersion || '0',
      wanted.deadline,
    );

    let ended = false;
    let stop: (() => void) | undefined;
    const cancels: (() => void)[] = [];
    const release = (): void => {
      ended = true;
      stop?.();
      for (const cancel of cancels) cancel();
      open.delete(end);
    };
    const end = (): void => {
      if (ended) return;
      release();
      sink.onEnd();
    };
    const send = (events: readonly ServedEvent[]): void => {
      if (ended || events.length === 0) return;
      if (sink.onEvents(events) === 'slow') end();
    };
    const sendChanges = (changes: readonly WatchChange[]): void => {
      const events: ServedEvent[] = [];
      for (const change of changes) {
        const event = toEvent(kind, selection, change);
        if (event !== undefined) events.push(event);
      }
      send(events);
    };
    const bookmark = (initialEventsEnd: boolean): ServedEvent => ({
      type: 'BOOKMARK',
      kind,
      revision: cache.appliedRevision(stream),
      initialEventsEnd,
    });

    let from: Revision;
    const initial: ServedEvent[] = [];
    if (fromState) {
      const list = cache.list(resource, scopeOf(selection));
      from = list.revision;
      for (const item of list.items)
        if (isSelected(selection, item)) initial.push({ type: 'ADDED', object: serve(kind, item) });
    } else from = resourceVersion === '' ? cache.appliedRevision(stream) : parseRevision(resourceVersion);
    if (from === noRevision) from = cache.appliedRevision(stream);

    // Nothing is awaited between the list and the cache's watch, nor between its backlog and later changes: no gap.
    const attach = (after: Revision): CacheWatch => cache.watch(resource, after, sendChanges, scopeOf(selection));
    let attached = attach(from);
    const older: WatchChange[] = [];
    // The window may move on while history is read: then there is more to read, but less of it.
    for (let reached = from; attached.outcome === 'tooOld'; attached = attach(reached)) {
      if (time.monotonic() >= wanted.deadline) throw historyUnavailable('changes come faster than they can be read');
      older.push(...(await olderChanges(resource, selection, reached, attached.oldest)));
      reached = attached.oldest;
    }
    if (attached.outcome !== 'watching') throw expiredRevision(from);
    stop = attached.stop;
    open.add(end);
    send(initial);
    sendChanges(older);
    sendChanges(attached.backlog);
    if (wanted.sendInitialEvents === true && wanted.allowBookmarks !== false) send([bookmark(true)]);

    const timeoutMs =
      wanted.timeoutSeconds !== undefined && wanted.timeoutSeconds > 0
        ? wanted.timeoutSeconds * 1_000
        : defaultTimeoutMs * (1 + random.next());
    cancels.push(
      time.after(timeoutMs, () => {
        if (wanted.allowBookmarks === true) send([bookmark(false)]);
        end();
      }),
    );
    if (wanted.allowBookmarks === true) {
      const next = (): void => {
        cancels[1] = time.after(bookmarkIntervalMs * (0.9 + 0.2 * random.next()), () => {
          send([bookmark(false)]);
          if (!ended) next();
        });
      };
      if (!ended) next();
    }
    if (ended) for (const cancel of cancels) cancel();
    return {
      close() {
        if (!ended) release();
      },
    };
  }

  return {
    get count() {
      return open.size;
    },
    watch,
    closeAll() {
      for (const end of [...open]) end();
    },
  };
}
