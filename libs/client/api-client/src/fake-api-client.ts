/** An in-memory `ApiClient` for unit tests: resourceVersions, conflicts, finalizers, fences, and watches that lag behind the writes. */
import {
  alreadyExists,
  conflict,
  expired,
  type KubeObject,
  notFound,
  type Revision,
  toRevision,
  unsupportedMediaType,
} from '@periplus/api/meta';
import { formatTime, type Time } from '@periplus/base/clock';
import type {
  ApiClient,
  DeleteOptions,
  ObjectTarget,
  ResourceTarget,
  WatchEvent,
  WatchHandler,
  WriteContext,
} from './api-client.js';
import { createdObject, type FakeObject, mergePatch, updatedObject } from './fake-objects.js';
import { fakeFilter, type ObjectFilter } from './fake-selectors.js';

/** One call as the fake saw it. */
export interface FakeCall {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';
  readonly target: ResourceTarget & { readonly name?: string; readonly subresource?: string };
  readonly body?: unknown;
  readonly context?: WriteContext;
}

export interface FakeApiClientOptions {
  readonly time: Time;
  /** How long a written object takes to reach the watchers; 1 ms by default. */
  readonly watchDelayMs?: number;
  readonly objects?: readonly { readonly target: ResourceTarget; readonly object: KubeObject }[];
}

export interface FakeApiClient extends ApiClient {
  /** Every call, oldest first; clear it with `calls.length = 0`. */
  readonly calls: FakeCall[];
  /** Asked before each call; what it returns is what the call rejects with. */
  intercept: ((call: FakeCall) => Error | undefined) | undefined;
  /** The current state, as copies, in order of creation. */
  objects<T extends KubeObject>(target: Pick<ResourceTarget, 'group' | 'resource'>): T[];
  /** Ends every watch, with an error when given. */
  endWatches(error?: Error): void;
  /** Forgets history: watches from before now answer Expired. */
  compact(): void;
}

interface Entry {
  readonly revision: number;
  readonly resource: string;
  readonly object: FakeObject;
  readonly before: FakeObject | undefined;
  readonly deleted: boolean;
}

interface Watcher {
  readonly resource: string;
  readonly matches: ObjectFilter;
  readonly handler: WatchHandler<KubeObject>;
  sent: number;
  open: boolean;
}

const DEFAULT_GRACE_SECONDS = 30;
const copy = <T>(value: T): T => structuredClone(value);
const tableOf = (target: { group: string; resource: string }): string => `${target.group}/${target.resource}`;

export function createFakeApiClient(options: FakeApiClientOptions): FakeApiClient {
  const { time } = options;
  const watchDelayMs = options.watchDelayMs ?? 1;
  const tables = new Map<string, Map<string, FakeObject>>();
  const entries: Entry[] = [];
  const watchers = new Set<Watcher>();
  const leaders = new Map<string, Revision>();
  const calls: FakeCall[] = [];
  let revision = 1;
  let floor = 0;
  let names = 0;

  const nowText = (): string => formatTime(time.now());
  const keyIn = (namespace: string, name: string): string => `${namespace}/${name}`;

  function table(target: { group: string; resource: string }): Map<string, FakeObject> {
    let found = tables.get(tableOf(target));
    if (found === undefined) tables.set(tableOf(target), (found = new Map()));
    return found;
  }

  function existing(target: ObjectTarget): FakeObject {
    const found = table(target).get(keyIn(target.namespace, target.name));
    if (found === undefined) throw notFound(target, target.name);
    return found;
  }

  function append(
    target: ResourceTarget,
    object: FakeObject,
    before: FakeObject | undefined,
    deleted: boolean,
  ): FakeObject {
    revision += 1;
    const stored: FakeObject = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
    const key = keyIn(stored.metadata.namespace ?? '', stored.metadata.name ?? '');
    if (deleted) table(target).delete(key);
    else table(target).set(key, stored);
    entries.push({ revision, resource: tableOf(target), object: stored, before, deleted });
    for (const watcher of watchers) time.after(watchDelayMs, () => pump(watcher));
    return copy(stored);
  }

  function eventOf(entry: Entry, matches: ObjectFilter): WatchEvent<KubeObject> | undefined {
    const was = entry.before !== undefined && matches(entry.before);
    const is = !entry.deleted && matches(entry.object);
    if (!was && !is) return undefined;
    const type = is ? (was ? 'MODIFIED' : 'ADDED') : 'DELETED';
    const object =
      entry.deleted || is
        ? entry.object
        : {
            ...entry.before!,
            metadata: { ...entry.before!.metadata, resourceVersion: entry.object.metadata.resourceVersion },
          };
    return { type, object: copy(object) };
  }

  function pump(watcher: Watcher): void {
    if (!watcher.open) return;
    const events: WatchEvent<KubeObject>[] = [];
    for (const entry of entries) {
      if (entry.revision <= watcher.sent) continue;
      watcher.sent = entry.revision;
      const event = entry.resource === watcher.resource ? eventOf(entry, watcher.matches) : undefined;
      if (event !== undefined) events.push(event);
    }
    if (events.length > 0) watcher.handler.onEvents(events);
  }

  function end(watcher: Watcher, error: Error | undefined): void {
    if (!watcher.open) return;
    watcher.open = false;
    watchers.delete(watcher);
    watcher.handler.onEnd(error);
  }

  function checkFence(target: ResourceTarget & { name?: string }, context: WriteContext | undefined): void {
    const fence = context?.fence;
    if (fence !== undefined && leaders.get(fence.election) !== fence.revision)
      throw conflict(target, target.name ?? '', `leadership ${fence.election} has passed on`);
  }

  /** Runs one call: recorded, maybe intercepted, answered in a later turn of the microtask queue like any other client's. */
  async function call<T>(described: FakeCall, run: () => T): Promise<T> {
    calls.push(copy(described));
    await Promise.resolve();
    const failure = client.intercept?.(described);
    if (failure !== undefined) throw failure;
    checkFence(described.target, described.context);
    return run();
  }

  function write(target: ObjectTarget, current: FakeObject, sent: FakeObject): FakeObject {
    const next = updatedObject(target, current, copy(sent));
    if (JSON.stringify(next) === JSON.stringify(current)) return copy(current);
    const finished =
      next.metadata.deletionTimestamp !== undefined &&
      (next.metadata.finalizers ?? []).length === 0 &&
      (target.resource !== 'namespaces' || ((next.spec?.finalizers as unknown[] | undefined) ?? []).length === 0) &&
      next.metadata.deletionGracePeriodSeconds === 0;
    return append(target, next, current, finished);
  }

  function bind(target: ObjectTarget, body: KubeObject): FakeObject {
    const pod = existing(target);
    const node = (body as { target?: { name?: string } }).target?.name ?? '';
    if (pod.spec?.nodeName !== undefined && pod.spec.nodeName !== '')
      throw conflict(
        target,
        target.name,
        `pod ${target.name} is already assigned to node "${String(pod.spec.nodeName)}"`,
      );
    return append(target, { ...pod, spec: { ...pod.spec, nodeName: node } }, pod, false);
  }

  function create(target: ResourceTarget | ObjectTarget, body: FakeObject): FakeObject {
    if ('name' in target && target.subresource === 'binding') return bind(target, body);
    const prefix = body.metadata.generateName;
    const name =
      body.metadata.name ?? (prefix === undefined ? '' : `${prefix}${(++names).toString(36).padStart(5, '0')}`);
    if (name === '') throw new Error('an object needs a name or generateName');
    if (table(target).has(keyIn(target.namespace, name))) throw alreadyExists(target, name);
    const uid = `uid-${revision + 1}`;
    return append(target, createdObject(target, copy(body), name, uid, nowText()), undefined, false);
  }

  function patch(target: ObjectTarget, type: string, body: unknown): FakeObject {
    if (type !== 'merge') throw unsupportedMediaType(`the fake does not take ${type} patches`);
    const current = existing(target);
    const merged = mergePatch(copy(current), copy(body)) as FakeObject;
    return write(target, current, merged);
  }

  function checkPreconditions(target: ObjectTarget, current: FakeObject, wanted: DeleteOptions): void {
    const { uid, resourceVersion } = wanted.preconditions ?? {};
    if (uid !== undefined && uid !== current.metadata.uid)
      throw conflict(
        target,
        target.name,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`,
      );
    if (resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion)
      throw conflict(target, target.name, `Precondition failed: ResourceVersion in precondition: ${resourceVersion}`);
  }

  function remove(target: ObjectTarget, wanted: DeleteOptions): FakeObject {
    const current = existing(target);
    checkPreconditions(target, current, wanted);
    const finalizers = [...(current.metadata.finalizers ?? [])];
    const added = { Orphan: 'orphan', Foreground: 'foregroundDeletion', Background: undefined }[
      wanted.propagationPolicy ?? 'Background'
    ];
    if (added !== undefined && !finalizers.includes(added)) finalizers.push(added);
    const onNode =
      target.resource === 'pods' && typeof current.spec?.nodeName === 'string' && current.spec.nodeName !== '';
    const grace = onNode ? (wanted.gracePeriodSeconds ?? DEFAULT_GRACE_SECONDS) : 0;
    const held =
      finalizers.length > 0 ||
      (target.resource === 'namespaces' && ((current.spec?.finalizers as unknown[] | undefined) ?? []).length > 0);
    if (grace === 0 && !held) return append(target, current, current, true);
    if (current.metadata.deletionTimestamp !== undefined && grace >= (current.metadata.deletionGracePeriodSeconds ?? 0))
      return copy(current);
    const marked: FakeObject = {
      ...current,
      metadata: {
        ...current.metadata,
        ...(finalizers.length === 0 ? {} : { finalizers }),
        deletionTimestamp: nowText(),
        deletionGracePeriodSeconds: grace,
        ...(current.metadata.generation === undefined ? {} : { generation: current.metadata.generation + 1 }),
      },
    };
    return append(target, marked, current, false);
  }

  function openWatch(target: ResourceTarget, from: string | undefined, watcher: Watcher): void {
    if (!watcher.open) return;
    const failure = client.intercept?.({ verb: 'watch', target });
    if (failure !== undefined) {
      end(watcher, failure);
      return;
    }
    if (from !== undefined && from !== '0') {
      watcher.sent = Number(from);
      if (watcher.sent < floor) end(watcher, expired(`too old resource version: ${from} (${floor})`));
      else pump(watcher);
      return;
    }
    watcher.sent = revision;
    const present = [...table(target).values()].filter(watcher.matches);
    if (present.length > 0)
      watcher.handler.onEvents(present.map((object) => ({ type: 'ADDED', object: copy(object) })));
  }

  const client: FakeApiClient = {
    calls,
    intercept: undefined,
    get: (target) => call({ verb: 'get', target }, () => copy(existing(target)) as never),
    list: (target, wanted = {}) =>
      call({ verb: 'list', target }, () => ({
        items: [...table(target).values()]
          .filter(fakeFilter(target.namespace, wanted.labelSelector, wanted.fieldSelector))
          .map((object) => copy(object) as never),
        resourceVersion: String(revision),
      })),
    watch(target, wanted, handler) {
      calls.push({ verb: 'watch', target, body: { ...wanted } });
      const watcher: Watcher = {
        resource: tableOf(target),
        matches: fakeFilter(target.namespace, wanted.labelSelector, wanted.fieldSelector),
        handler: handler as unknown as WatchHandler<KubeObject>,
        sent: 0,
        open: true,
      };
      watchers.add(watcher);
      time.after(0, () => openWatch(target, wanted.resourceVersion, watcher));
      return () => {
        watcher.open = false;
        watchers.delete(watcher);
      };
    },
    create: (target, object, context) =>
      call({ verb: 'create', target, body: object, context }, () => create(target, object as FakeObject) as never),
    update: (target, object, context) =>
      call({ verb: 'update', target, body: object, context }, () => {
        const current = existing(target);
        if (target.subresource === 'finalize') {
          const sent = object as FakeObject;
          return write(target, current, {
            ...current,
            spec: { ...current.spec, finalizers: sent.spec?.finalizers ?? [] },
          }) as never;
        }
        return write(target, current, object as FakeObject) as never;
      }),
    patch: (target, type, body, context) =>
      call({ verb: 'patch', target, body, context }, () => patch(target, type, body) as never),
    delete: (target, wanted = {}) =>
      call({ verb: 'delete', target, body: wanted, context: wanted }, () => remove(target, wanted)),
    async acquireLeadership(election) {
      await Promise.resolve();
      revision += 1;
      const acquired = toRevision(revision);
      leaders.set(election, acquired);
      return acquired;
    },
    objects: (target) => [...table(target).values()].map((object) => copy(object) as never),
    endWatches(error) {
      for (const watcher of [...watchers]) end(watcher, error);
    },
    compact() {
      floor = revision;
    },
  };
  for (const { target, object } of options.objects ?? []) {
    const status = (object as FakeObject).status;
    const made = create(target, object as FakeObject);
    if (status === undefined) continue;
    const name = made.metadata.name ?? '';
    write({ ...target, name, subresource: 'status' }, existing({ ...target, name }), { ...made, status });
  }
  return client;
}

/** The StatusError a test's interceptor returns to look like an apiserver that is away. */
export const unavailable = (): Error => Object.assign(new Error('the server is away'), { code: 'UNAVAILABLE' });
