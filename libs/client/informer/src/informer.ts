/** A local, indexed copy of the objects a selector names, kept current by a watch, with handlers told of each change. */
import type { KubeObject } from '@periplus/api/meta';
import type { Random, Time } from '@periplus/base/clock';
import { type BackoffOptions, createBackoff } from '@periplus/base/stdx';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient, ResourceTarget, WatchEvent } from '@periplus/client/api-client';
import { deepFreeze } from './deep-freeze.js';
import { createReflector } from './reflector.js';
import { createStore, formatObjectKey, type Indexers, keyOf } from './store.js';

/** Called in order, within the turn in which the change arrived and after the store holds it. They must return quickly and not throw. */
export interface InformerHandler<T extends KubeObject> {
  onAdd?(object: T): void;
  /** Same uid; an object deleted and made again is told as onDelete and onAdd. */
  onUpdate?(object: T, old: T): void;
  /** With the last state known. `stateMissed`: the deletion itself was not seen, so later states may have been missed. */
  onDelete?(last: T, stateMissed: boolean): void;
}

export interface InformerOptions<T extends KubeObject> {
  readonly client: ApiClient;
  readonly target: ResourceTarget;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly indexers?: Indexers<T>;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** Between failed lists and watches; by default 50 ms doubling to 2 s: a server that restarts is found again quickly. */
  readonly backoff?: BackoffOptions;
  /** Objects a list asks for at once; 500 by default. */
  readonly pageSize?: number;
  /** Freezes each object that comes in; for tests. */
  readonly freeze?: boolean;
}

/** Objects handed out are shared with every other reader and must not be changed. */
export interface Informer<T extends KubeObject> {
  /** Once; later calls do nothing. */
  start(): void;
  /** For good. The store stays readable; handlers are not called any more. */
  stop(): void;
  /** The first list is in the store and the handlers were told of it. */
  hasSynced(): boolean;
  /** Resolves true when synced, false when stopped before. */
  whenSynced(): Promise<boolean>;
  get(namespace: string, name: string): T | undefined;
  list(namespace?: string): T[];
  /** Throws for an index that was not asked for. */
  byIndex(index: string, value: string): T[];
  /** Tells the handler of what is there already by onAdd. Returns how to remove it. */
  addHandler(handler: InformerHandler<T>): () => void;
  readonly size: number;
  /** The position up to which the store is current; '' before it has synced. */
  resourceVersion(): string;
}

const DEFAULT_BACKOFF: BackoffOptions = { initialMs: 50, maxMs: 2_000, jitter: 0.5 };
const DEFAULT_PAGE_SIZE = 500;

export function createInformer<T extends KubeObject>(options: InformerOptions<T>): Informer<T> {
  const store = createStore<T>(options.indexers ?? {});
  const handlers = new Set<InformerHandler<T>>();
  const own = options.freeze ? deepFreeze<T> : (object: T): T => object;
  let synced = false;
  let stopped = false;
  let waiting: ((synced: boolean) => void)[] = [];

  function settle(result: boolean): void {
    const resolved = waiting;
    waiting = [];
    for (const resolve of resolved) resolve(result);
  }

  function remove(key: string, last: T | undefined, stateMissed: boolean): void {
    const before = store.delete(key);
    const object = last ?? before;
    if (before !== undefined && object !== undefined)
      for (const handler of handlers) handler.onDelete?.(object, stateMissed);
  }

  function put(object: T): void {
    const key = keyOf(object);
    const known = store.get(key);
    if (known !== undefined && known.metadata?.uid !== object.metadata?.uid) remove(key, undefined, true);
    else if (known !== undefined && known.metadata?.resourceVersion === object.metadata?.resourceVersion) return;
    const before = store.set(key, own(object));
    for (const handler of handlers) {
      if (before === undefined) handler.onAdd?.(object);
      else handler.onUpdate?.(object, before);
    }
  }

  function replace(objects: readonly T[]): void {
    const present = new Set(objects.map(keyOf));
    for (const key of [...store.keys()]) if (!present.has(key)) remove(key, undefined, true);
    for (const object of objects) put(object);
    synced = true;
    settle(true);
  }

  function apply(events: readonly WatchEvent<T>[]): void {
    for (const event of events) {
      if (event.type === 'BOOKMARK') continue;
      if (event.type === 'DELETED') remove(keyOf(event.object), own(event.object), false);
      else put(event.object);
    }
  }

  const reflector = createReflector<T>({
    client: options.client,
    target: options.target,
    ...(options.labelSelector === undefined ? {} : { labelSelector: options.labelSelector }),
    ...(options.fieldSelector === undefined ? {} : { fieldSelector: options.fieldSelector }),
    time: options.time,
    logger: options.logger,
    backoff: createBackoff(options.backoff ?? DEFAULT_BACKOFF, options.random),
    pageSize: options.pageSize ?? DEFAULT_PAGE_SIZE,
    sink: { replace, apply },
  });

  return {
    start: () => reflector.start(),
    stop() {
      stopped = true;
      reflector.stop();
      settle(false);
    },
    hasSynced: () => synced,
    whenSynced() {
      if (synced) return Promise.resolve(true);
      if (stopped) return Promise.resolve(false);
      return new Promise((resolve) => waiting.push(resolve));
    },
    get: (namespace, name) => store.get(formatObjectKey(namespace, name)),
    list: (namespace) => store.list(namespace),
    byIndex: (index, value) => store.byIndex(index, value),
    addHandler(handler) {
      handlers.add(handler);
      for (const object of store.list()) handler.onAdd?.(object);
      return () => handlers.delete(handler);
    },
    get size() {
      return store.size;
    },
    resourceVersion: () => reflector.resourceVersion(),
  };
}
