/** Who is told of a change: watchers are kept by what they ask for, so that a change finds its own without a scan. */
import type { IndexName } from './object-index.js';
import type { CacheScope, WatchChange, WatchListener } from './watch-cache.js';

/** Changes collected for each watcher, to be delivered together. */
export type Deliveries = Map<Watcher, WatchChange[]>;

export interface Watcher {
  readonly scope: CacheScope;
  readonly listener: WatchListener;
}

/** The values an index has for the changed object, before and after, each once. */
export type IndexValues = (index: IndexName) => Iterable<string>;

export interface WatcherTable {
  add(watcher: Watcher): void;
  remove(watcher: Watcher): void;
  collect(change: WatchChange, valuesOf: IndexValues, into: Deliveries): void;
}

function addTo<K>(groups: Map<K, Set<Watcher>>, key: K, watcher: Watcher): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, new Set([watcher]));
  else group.add(watcher);
}

function removeFrom<K>(groups: Map<K, Set<Watcher>>, key: K, watcher: Watcher): void {
  const group = groups.get(key);
  group?.delete(watcher);
  if (group?.size === 0) groups.delete(key);
}

export function createWatcherTable(): WatcherTable {
  /** Without an index, by namespace; undefined = all namespaces. */
  const byNamespace = new Map<string | undefined, Set<Watcher>>();
  const byIndex = new Map<IndexName, Map<string, Set<Watcher>>>();

  function deliver(watchers: Set<Watcher> | undefined, change: WatchChange, into: Deliveries): void {
    for (const watcher of watchers ?? []) {
      const { namespace } = watcher.scope;
      if (namespace !== undefined && namespace !== change.current.key.namespace) continue;
      const changes = into.get(watcher);
      if (changes === undefined) into.set(watcher, [change]);
      else changes.push(change);
    }
  }

  return {
    add(watcher) {
      const { index, namespace } = watcher.scope;
      if (index === undefined) {
        addTo(byNamespace, namespace, watcher);
        return;
      }
      let values = byIndex.get(index.index);
      if (values === undefined) byIndex.set(index.index, (values = new Map()));
      addTo(values, index.value, watcher);
    },
    remove(watcher) {
      const { index, namespace } = watcher.scope;
      if (index === undefined) {
        removeFrom(byNamespace, namespace, watcher);
        return;
      }
      const values = byIndex.get(index.index);
      if (values === undefined) return;
      removeFrom(values, index.value, watcher);
      if (values.size === 0) byIndex.delete(index.index);
    },
    collect(change, valuesOf, into) {
      deliver(byNamespace.get(undefined), change, into);
      deliver(byNamespace.get(change.current.key.namespace), change, into);
      for (const [index, values] of byIndex)
        for (const value of valuesOf(index)) deliver(values.get(value), change, into);
    },
  };
}
