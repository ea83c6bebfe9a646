import { type ObjectKey, type Revision, toRevision } from '@periplus/api/meta';
import { createSeededRandom, createVirtualTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import type { Append } from '@periplus/log/event-log';
import { createMemoryLog } from '@periplus/log/event-log/testing';
import {
  createSealer,
  encodeObjectEvent,
  ensureGenesis,
  type FloorScope,
  floorSubject,
  formatFloorScope,
  type ObjectEvent,
  subjectOf,
} from '@periplus/log/object-events';
import { createMemoryKeyStore, testEvent, testKey, testSystemEvent } from '@periplus/log/object-events/testing';
import { createWatchCache } from './create-watch-cache.js';
import type { SnapshotRow } from './snapshot-source.js';
import type { WatchCache } from './watch-cache.js';

const pods = { group: '', resource: 'pods' };
const nodes = { group: '', resource: 'nodes' };
const allPods: FloorScope = { type: 'resource', ...pods };
const window = { ageMs: 3_600_000, changesMin: 1_000, changesMax: 1_000, bytesMax: 1 << 20 };

function entry(name: string, event: Partial<ObjectEvent> = {}, resource = 'pods'): Append {
  const key = testKey(name, 'default', resource);
  return { subject: subjectOf(key), payload: encodeObjectEvent(testEvent({ key }, event)) };
}

function floorAt(scope: FloorScope, revision: number): Append {
  const text = formatFloorScope(scope);
  const system = { type: 'floor', revision: toRevision(revision), scope: text, timeMs: 0 } as const;
  return { subject: floorSubject('objects', text), payload: encodeObjectEvent(testSystemEvent(system)) };
}

function start() {
  const time = createVirtualTime(1_000_000);
  const random = createSeededRandom(1);
  const log = createMemoryLog({ time });
  const sealer = createSealer({ keyStore: createMemoryKeyStore(), clusterKey: new Uint8Array(32), random });
  const settle = async (): Promise<void> => {
    for (let round = 0; round < 100; round++) {
      time.advance(0);
      await Promise.resolve();
    }
  };
  return {
    log,
    settle,
    async append(...batch: readonly Append[]): Promise<void> {
      void log.append('objects', batch);
      await settle();
    },
    async startCache(snapshot?: {
      readonly revision: Revision;
      readonly rows: readonly SnapshotRow[];
    }): Promise<WatchCache> {
      const snapshots = snapshot && {
        async load(stream: string, onRows: (rows: readonly SnapshotRow[]) => void | Promise<void>) {
          if (stream !== 'objects') return undefined;
          await onRows(snapshot.rows);
          return { revision: snapshot.revision, clusterId: 'c', damaged: [], requests: [] };
        },
      };
      void ensureGenesis(log, 'c', time);
      await settle();
      const cache = createWatchCache({ log, sealer, time, random, logger: silentLogger, window, snapshots });
      void cache.start();
      await settle();
      cache.check();
      return cache;
    },
  };
}

const listed = (cache: WatchCache, revision: number): string => {
  const at = cache.listAt(pods, toRevision(revision));
  return at.outcome === 'list'
    ? at.list.items.map((item) => `${item.key.name}@${item.revision}`).join(' ')
    : at.outcome;
};
const got = (cache: WatchCache, key: ObjectKey, revision: number): string => {
  const at = cache.getAt(key, toRevision(revision));
  return at.outcome === 'object' ? (at.object === undefined ? 'none' : `@${at.object.revision}`) : at.outcome;
};
const watched = (cache: WatchCache, from: number): string => {
  const watch = cache.watch(pods, toRevision(from), () => undefined);
  if (watch.outcome !== 'watching') return watch.outcome;
  watch.stop();
  return watch.backlog.map(({ type, revision, current }) => `${type} ${current.key.name}@${revision}`).join(' ');
};

describe('a cache over a log with floors', () => {
  /** Genesis is 1; 2: node, 3: a, 4: b, 5: a, 6: b deleted, 7: a; the floor is 6. */
  const history = [
    entry('n', {}, 'nodes'),
    entry('a'),
    entry('b'),
    entry('a'),
    entry('b', { verb: 'delete' }),
    entry('a'),
  ];

  it.each([
    ['that follows it', false],
    ['that was started on what is left', true],
  ])('is exact at and above the floor, and knows nothing below: one %s', async (_name, isLate) => {
    const { log, append, settle, startCache } = start();
    const early = await startCache();
    for (const each of history) await append(each);
    await append(floorAt(allPods, 6));
    for (const [name, below] of [
      ['a', 5],
      ['b', 7],
    ] as const)
      void log.purge('objects', subjectOf(testKey(name)), toRevision(below));
    await settle();
    const cache = isLate ? await startCache() : early;
    expect([5, 6, 7].map((revision) => listed(cache, revision))).toEqual(['tooOld', 'a@5', 'a@7']);
    expect([5, 6, 7].map((revision) => watched(cache, revision))).toEqual(['tooOld', 'put a@7', '']);
    expect([5, 6, 7].map((revision) => got(cache, testKey('b'), revision))).toEqual(['tooOld', 'none', 'none']);
    expect(cache.listAt(nodes, toRevision(2))).toMatchObject({ outcome: 'list' });
    expect(cache.lastRevisionOf(subjectOf(testKey('b')))).toBe(0);
    expect(cache.lastRevisionOf(subjectOf(testKey('a')))).toBe(7);
  });

  it('says with what it can not answer from where on it can', async () => {
    const { append, startCache } = start();
    const cache = await startCache();
    for (const each of [...history, floorAt(allPods, 6)]) await append(each);
    expect(cache.listAt(pods, toRevision(3))).toEqual({ outcome: 'tooOld', oldest: 6 });
  });

  it('lets a floor of one object bind lists of all, and leaves other tombstones', async () => {
    const { append, startCache } = start();
    const cache = await startCache();
    for (const each of [...history, floorAt({ type: 'object', key: testKey('a') }, 5)]) await append(each);
    expect([4, 5].map((revision) => listed(cache, revision))).toEqual(['tooOld', 'a@5 b@4']);
    expect(cache.lastRevisionOf(subjectOf(testKey('b')))).toBe(6);
  });

  it('forgets what the request ids of forgotten states wrote', async () => {
    const { append, startCache } = start();
    const cache = await startCache();
    await append(entry('a', { requestId: 'old' }));
    await append(entry('a', { requestId: 'new' }));
    await append(floorAt(allPods, 3));
    await append(entry('a', { requestId: 'newest' }));
    expect(['old', 'new', 'newest'].map((id) => cache.writtenBy(id)?.revision)).toEqual([undefined, undefined, 5]);
  });

  it('takes floors and tombstones from a snapshot', async () => {
    const { append, startCache } = start();
    await startCache();
    const floor = floorAt(allPods, 5);
    for (const each of [...history, floor]) await append(each);
    const row = (append: Append, revision: number, event: ObjectEvent): SnapshotRow => ({
      subject: append.subject,
      revision: toRevision(revision),
      timestampMs: 1_000_000,
      event,
    });
    const system = { type: 'floor', revision: toRevision(7), scope: 'core.pods', timeMs: 0 } as const;
    const tombstone = testEvent({ key: testKey('b') }, { verb: 'delete' });
    const rows = [row(history[4]!, 6, tombstone), row(floor, 8, testSystemEvent(system))];
    const cache = await startCache({ revision: toRevision(7), rows: rows.slice(0, 1) });
    expect(cache.lastRevisionOf(subjectOf(testKey('b')))).toBe(6);
    const floored = await startCache({ revision: toRevision(8), rows });
    expect(floored.lastRevisionOf(subjectOf(testKey('b')))).toBe(0);
    expect(floored.lastRevisionOf(floor.subject)).toBe(8);
  });

  it.each([
    ['a tombstone that the log forgot', 'b', 0, 0],
    ['a tombstone that only the log has', 'c', 4, 4],
    ['an object: the cache knows better', 'a', 0, 7],
    ['what the cache has not reached', 'b', 99, 6],
  ])('takes the log’s word for %s', async (_name, name, revision, expected) => {
    const { append, startCache } = start();
    const cache = await startCache();
    for (const each of history) await append(each);
    cache.correctLast(subjectOf(testKey(name)), toRevision(revision));
    expect(cache.lastRevisionOf(subjectOf(testKey(name)))).toBe(expected);
  });
});
