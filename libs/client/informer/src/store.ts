/** An informer's objects by key, and by whatever indexes it was given; changed only by the reflector. */
import type { KubeObject } from '@periplus/api/meta';

/** The keys under which an object is found in one index; none = not indexed. */
export type Indexer<T extends KubeObject> = (object: T) => readonly string[];
export type Indexers<T extends KubeObject> = Readonly<Record<string, Indexer<T>>>;

/** `namespace/name`, or `name` for cluster scope: the key used in stores and work queues. */
export function formatObjectKey(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

export function keyOf(object: KubeObject): string {
  return formatObjectKey(object.metadata?.namespace ?? '', object.metadata?.name ?? '');
}

/** The two halves of a key made by `formatObjectKey`. */
export function splitObjectKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/');
  return slash === -1 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

type Bucket<T> = Map<string, T>;

export interface Store<T extends KubeObject> {
  get(key: string): T | undefined;
  /** Returns what was there before. */
  set(key: string, object: T): T | undefined;
  delete(key: string): T | undefined;
  readonly size: number;
  keys(): IterableIterator<string>;
  list(namespace?: string): T[];
  /** Throws for an index that doesn't exist. */
  byIndex(index: string, value: string): T[];
}

export function createStore<T extends KubeObject>(indexers: Indexers<T>): Store<T> {
  const objects: Bucket<T> = new Map();
  const byNamespace = new Map<string, Bucket<T>>();
  const indexes = new Map(
    Object.entries(indexers).map(([name, indexer]) => [name, { indexer, buckets: new Map<string, Bucket<T>>() }]),
  );

  function put(buckets: Map<string, Bucket<T>>, value: string, key: string, object: T): void {
    let bucket = buckets.get(value);
    if (bucket === undefined) buckets.set(value, (bucket = new Map()));
    bucket.set(key, object);
  }

  function drop(buckets: Map<string, Bucket<T>>, value: string, key: string): void {
    const bucket = buckets.get(value);
    if (bucket === undefined) return;
    bucket.delete(key);
    if (bucket.size === 0) buckets.delete(value);
  }

  function index(key: string, object: T): void {
    put(byNamespace, object.metadata?.namespace ?? '', key, object);
    for (const { indexer, buckets } of indexes.values())
      for (const value of indexer(object)) put(buckets, value, key, object);
  }

  /** Leaves alone the buckets that `next` stays in, so that an object keeps its place in them. */
  function unindex(key: string, object: T, next: T | undefined): void {
    if (next === undefined) drop(byNamespace, object.metadata?.namespace ?? '', key);
    for (const { indexer, buckets } of indexes.values()) {
      const kept = next === undefined ? [] : indexer(next);
      for (const value of indexer(object)) if (!kept.includes(value)) drop(buckets, value, key);
    }
  }

  return {
    get: (key) => objects.get(key),
    set(key, object) {
      const before = objects.get(key);
      if (before !== undefined) unindex(key, before, object);
      objects.set(key, object);
      index(key, object);
      return before;
    },
    delete(key) {
      const before = objects.get(key);
      if (before === undefined) return undefined;
      unindex(key, before, undefined);
      objects.delete(key);
      return before;
    },
    get size() {
      return objects.size;
    },
    keys: () => objects.keys(),
    list: (namespace) => [...((namespace ? byNamespace.get(namespace) : objects)?.values() ?? [])],
    byIndex(name, value) {
      const found = indexes.get(name);
      if (found === undefined) throw new RangeError(`the informer has no index ${JSON.stringify(name)}`);
      return [...(found.buckets.get(value)?.values() ?? [])];
    },
  };
}
