/** The objects of one resource: current states by name, indexes, recent changes, and who watches. */
import type { KubeObject, Revision } from '@periplus/api/meta';
import { compareUtf8 } from '@periplus/api/schema';
import type { CachedState } from './cached-object.js';
import { createIndexTable, type IndexTable } from './index-table.js';
import { type IndexName, type IndexTerm, valuesOf } from './object-index.js';
import { createSortedNames, sortName } from './sorted-names.js';
import type { CacheScope, ResourceName, WatchChange } from './watch-cache.js';
import { createWatcherTable, type Deliveries, type Watcher } from './watcher-table.js';

/** A change between states of the cache's own. */
export interface StateChange extends WatchChange {
  readonly current: CachedState;
  readonly previous: CachedState | undefined;
}

/** A change with the end of the transaction it came with: as-of reads take all of that or nothing. */
export interface RecentChange {
  readonly change: StateChange;
  readonly commitRevision: Revision;
}

export interface ResourceStore {
  readonly resource: ResourceName;
  readonly size: number;
  get(key: { readonly namespace: string; readonly name: string }): CachedState | undefined;
  list(scope: CacheScope): readonly CachedState[];
  /** The state before every change whose transaction ended after `revision`. */
  listAt(revision: Revision, scope: CacheScope): readonly CachedState[];
  getAt(key: { readonly namespace: string; readonly name: string }, revision: Revision): CachedState | undefined;
  /** Recent changes after `from` within the scope. */
  changesAfter(from: Revision, scope: CacheScope): readonly WatchChange[];
  load(state: CachedState): void;
  /** Makes the change and collects it for the watchers. */
  apply(change: StateChange, commitRevision: Revision, into: Deliveries): void;
  /** Forgets the recent changes whose transactions ended at or before `revision`. */
  dropUpTo(revision: Revision): void;
  addWatcher(watcher: Watcher): void;
  removeWatcher(watcher: Watcher): void;
}

/** Indexes by label that a resource may have; a selector beyond that is answered by a scan. */
const labelIndexesMax = 16;

export function createResourceStore(resource: ResourceName): ResourceStore {
  const states = new Map<string, CachedState>();
  const names = createSortedNames((name) => states.has(name));
  const indexes = new Map<IndexName, IndexTable>();
  const watchers = createWatcherTable();
  // A queue: the oldest is at `oldest`; the front is cut off when it has grown.
  let recent: RecentChange[] = [];
  let oldest = 0;

  function indexFor(name: IndexName): IndexTable | undefined {
    const known = indexes.get(name);
    if (known !== undefined) return known;
    const isFull = [...indexes.keys()].filter((index) => index.startsWith('label:')).length >= labelIndexesMax;
    if (isFull && name.startsWith('label:')) return undefined;
    const table = createIndexTable();
    for (const [sort, state] of states) table.set(sort, valuesOf(name, state.object()));
    indexes.set(name, table);
    return table;
  }

  function hasTerm(state: CachedState, term: IndexTerm): boolean {
    return valuesOf(term.index, state.object()).includes(term.value);
  }

  function inNamespace(state: { readonly key: { readonly namespace: string } }, scope: CacheScope): boolean {
    return scope.namespace === undefined || state.key.namespace === scope.namespace;
  }

  const inScope = (state: CachedState, scope: CacheScope): boolean =>
    inNamespace(state, scope) && (scope.index === undefined || hasTerm(state, scope.index));

  const statesOf = (sorts: Iterable<string>): CachedState[] => Array.from(sorts, (sort) => states.get(sort)!);

  function list(scope: CacheScope): readonly CachedState[] {
    const table = scope.index && indexFor(scope.index.index);
    if (scope.index !== undefined && table !== undefined) {
      const found = statesOf([...table.names(scope.index.value)].sort(compareUtf8));
      return scope.namespace === undefined ? found : found.filter((state) => inNamespace(state, scope));
    }
    const sorts = scope.namespace === undefined ? names.all() : names.within(scope.namespace);
    const found = statesOf(sorts);
    return scope.index === undefined ? found : found.filter((state) => hasTerm(state, scope.index!));
  }

  /** The states that names had at a revision, of those names that changed since. */
  function undone(revision: Revision): Map<string, CachedState | undefined> {
    const before = new Map<string, CachedState | undefined>();
    for (let at = recent.length - 1; at >= oldest; at--) {
      const { change, commitRevision } = recent[at]!;
      if (commitRevision <= revision) break;
      before.set(sortName(change.current.key), change.previous);
    }
    return before;
  }

  function put(state: CachedState): void {
    const sort = sortName(state.key);
    if (!states.has(sort)) names.add(sort);
    states.set(sort, state);
    for (const [name, table] of indexes) table.set(sort, valuesOf(name, state.object()));
  }

  /** The values that an index has for a changed object, before and after. */
  function valuesAround(change: StateChange, before: ReadonlyMap<IndexName, readonly string[]>, index: IndexName) {
    const table = indexes.get(index);
    if (table !== undefined)
      return new Set([...(before.get(index) ?? []), ...table.values(sortName(change.current.key))]);
    const touched = [change.previous, change.current].filter((state) => state !== undefined);
    return new Set(touched.flatMap((state) => valuesOf(index, state.object())));
  }

  function remove(sort: string): void {
    if (states.delete(sort)) names.remove();
    for (const table of indexes.values()) table.set(sort, []);
  }

  return {
    resource,
    get size() {
      return states.size;
    },
    get: (key) => states.get(sortName(key)),
    list,
    listAt(revision, scope) {
      const before = undone(revision);
      if (before.size === 0) return list(scope);
      const unchanged = list(scope).filter((state) => !before.has(sortName(state.key)));
      const restored = [...before.values()].filter(
        (state): state is CachedState => state !== undefined && inScope(state, scope),
      );
      return [...unchanged, ...restored].sort((a, b) => compareUtf8(sortName(a.key), sortName(b.key)));
    },
    getAt(key, revision) {
      const sort = sortName(key);
      const before = undone(revision);
      return before.has(sort) ? before.get(sort) : states.get(sort);
    },
    changesAfter(from, scope) {
      const changes: WatchChange[] = [];
      for (let at = recent.length - 1; at >= oldest; at--) {
        const { change } = recent[at]!;
        if (change.revision <= from) break;
        const touched = [change.current, change.previous] as (CachedState | undefined)[];
        if (touched.some((state) => state !== undefined && inScope(state, scope))) changes.push(change);
      }
      return changes.reverse();
    },
    load: put,
    apply(change, commitRevision, into) {
      const sort = sortName(change.current.key);
      const before = new Map(Array.from(indexes, ([name, table]) => [name, table.values(sort)] as const));
      if (change.type === 'put') put(change.current);
      else remove(sort);
      recent.push({ change, commitRevision });
      watchers.collect(change, (index) => valuesAround(change, before, index), into);
    },
    dropUpTo(revision) {
      while (oldest < recent.length && recent[oldest]!.commitRevision <= revision) oldest += 1;
      if (oldest < 1_024 || oldest * 2 < recent.length) return;
      recent = recent.slice(oldest);
      oldest = 0;
    },
    addWatcher(watcher) {
      if (watcher.scope.index !== undefined) indexFor(watcher.scope.index.index);
      watchers.add(watcher);
    },
    removeWatcher(watcher) {
      watchers.remove(watcher);
    },
  };
}
