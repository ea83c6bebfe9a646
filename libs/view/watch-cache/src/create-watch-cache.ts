/** The cache over all streams: each resource is answered from the state of the stream it lives in. */
import { type Revision, toRevision } from '@periplus/api/meta';
import type { Random, Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import type { EventLog, StreamName } from '@periplus/log/event-log';
import { type Sealer, streamNames, streamOf, streamOfSubject, subjectOf } from '@periplus/log/object-events';
import type { WindowLimits } from './change-window.js';
import { createParsedObjects } from './parsed-objects.js';
import type { SnapshotSource } from './snapshot-source.js';
import { createStreamFollower, type StreamFollower } from './stream-follower.js';
import type { CachedList, WatchCache } from './watch-cache.js';
import type { Watcher } from './watcher-table.js';

export interface WatchCacheOptions {
  readonly log: EventLog;
  readonly sealer: Sealer;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** Where to start from; without it the whole log is read. */
  readonly snapshots?: SnapshotSource;
  /** Default: all three. */
  readonly streams?: readonly StreamName[];
  readonly window?: Partial<WindowLimits>;
  /** JSON of the objects that are kept parsed, together. Default 16 MB. */
  readonly parsedJsonBytesMax?: number;
}

/** Five minutes is how long a continue token or a watch of upstream's is sure to find its past. */
const defaultWindow: WindowLimits = {
  ageMs: 300_000,
  changesMin: 5_000,
  changesMax: 100_000,
  bytesMax: 64 * 1024 * 1024,
};

export function createWatchCache(options: WatchCacheOptions): WatchCache {
  const { log, sealer, time, random, logger, snapshots, streams = streamNames } = options;
  const limits = { ...defaultWindow, ...options.window };
  const parsed = createParsedObjects(options.parsedJsonBytesMax ?? 16 * 1024 * 1024);
  const followers = new Map<StreamName, StreamFollower>(
    streams.map((stream) => [
      stream,
      createStreamFollower({ stream, log, sealer, time, random, logger, limits, parsed, snapshots }),
    ]),
  );
  let started = false;

  function followerOf(stream: StreamName): StreamFollower {
    const follower = followers.get(stream);
    if (follower === undefined) throw new RangeError(`this cache does not follow ${stream}`);
    return follower;
  }

  const stateOf = (resource: { readonly group: string; readonly resource: string }) =>
    followerOf(streamOf(resource)).state;

  type OutOfReach =
    | { readonly outcome: 'tooOld'; readonly oldest: Revision }
    | { readonly outcome: 'tooNew'; readonly applied: Revision };

  function outOfReach(resource: { readonly group: string; readonly resource: string }, revision: Revision) {
    const { applied, window, floorOf } = stateOf(resource);
    if (revision > applied) return { outcome: 'tooNew', applied } satisfies OutOfReach;
    const oldest = toRevision(Math.max(window.start, floorOf(resource)));
    return revision < oldest ? ({ outcome: 'tooOld', oldest } satisfies OutOfReach) : undefined;
  }

  return {
    async start() {
      await Promise.all([...followers.values()].map((follower) => follower.start()));
      started = true;
    },
    check() {
      for (const follower of followers.values()) {
        const failure = follower.failure();
        if (failure !== undefined) throw failure;
      }
      if (!started) throw new Error('the watch cache has not caught up with the log yet');
    },
    appliedRevision: (stream) => followerOf(stream).state.applied,
    async waitFor(stream, revision, limitMs) {
      const follower = followerOf(stream);
      if (follower.state.applied >= revision) return true;
      return follower.failure() === undefined && limitMs > 0 ? follower.waiters.wait(revision, limitMs) : false;
    },
    damagedAt(key) {
      const { damaged } = stateOf(key);
      return damaged.size === 0 ? undefined : damaged.get(subjectOf(key))?.revision;
    },
    damaged(of) {
      if (typeof of === 'string') return [...followerOf(of).state.damaged.values()];
      const { damaged } = stateOf(of);
      if (damaged.size === 0) return [];
      return [...damaged.values()].filter(({ key }) => key.resource === of.resource && key.group === of.group);
    },
    get: (key) => stateOf(key).storeOf(key).get(key),
    list(resource, scope = {}): CachedList {
      const state = stateOf(resource);
      return { items: state.storeOf(resource).list(scope), revision: state.applied };
    },
    getAt(key, revision) {
      return outOfReach(key, revision) ?? { outcome: 'object', object: stateOf(key).storeOf(key).getAt(key, revision) };
    },
    listAt(resource, revision, scope = {}) {
      const items = (): CachedList['items'] => stateOf(resource).storeOf(resource).listAt(revision, scope);
      return outOfReach(resource, revision) ?? { outcome: 'list', list: { items: items(), revision } };
    },
    watch(resource, from, listener, scope = {}) {
      const unreachable = outOfReach(resource, from);
      if (unreachable !== undefined) return unreachable;
      const store = stateOf(resource).storeOf(resource);
      const watcher: Watcher = { scope, listener };
      const backlog = store.changesAfter(from, scope);
      store.addWatcher(watcher);
      return { outcome: 'watching', backlog, stop: () => store.removeWatcher(watcher) };
    },
    lastRevisionOf(subject) {
      const stream = streamOfSubject(subject);
      return stream === undefined ? toRevision(0) : followerOf(stream).state.lastRevisionOf(subject);
    },
    correctLast(subject, revision) {
      const stream = streamOfSubject(subject);
      if (stream !== undefined) followerOf(stream).state.correctLast(subject, revision);
    },
    writtenBy(requestId) {
      for (const follower of followers.values()) {
        const written = follower.state.window.writtenBy(requestId);
        if (written !== undefined) return written;
      }
      return undefined;
    },
    wroteBefore: (requestId) => [...followers.values()].some(({ state }) => state.window.wroteBefore(requestId)),
    revisionAtTime: (stream, timeMs) => followerOf(stream).state.window.revisionAtTime(timeMs),
    resources: () =>
      [...followers.values()].flatMap(({ state }) => [...state.stores.values()].map((store) => store.resource)),
    close() {
      for (const follower of followers.values()) follower.close();
    },
  };
}
