import { type ObjectKey, type Revision, toRevision } from '@periplus/api/meta';
import { createSeededRandom, createVirtualTime, type VirtualTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { type Append, type EventLog, LogUnavailableError } from '@periplus/log/event-log';
import { createMemoryLog, type MemoryLog } from '@periplus/log/event-log/testing';
import {
  createSealer,
  encodeObjectEvent,
  ensureGenesis,
  type ObjectEvent,
  type Sealer,
  subjectOf,
} from '@periplus/log/object-events';
import { createMemoryKeyStore, testEvent, testKey, type TestObject } from '@periplus/log/object-events/testing';
import fc from 'fast-check';
import { createWatchCache, type WatchCacheOptions } from './create-watch-cache.js';
import type { SnapshotSource } from './snapshot-source.js';
import type { WatchCache, WatchChange } from './watch-cache.js';

const pods = { group: '', resource: 'pods' };

/** Lets everything that is due happen, on the virtual clock. */
async function settle(time: VirtualTime): Promise<void> {
  for (let round = 0; round < 50; round++) {
    time.advance(0);
    await Promise.resolve();
  }
}

async function done<T>(time: VirtualTime, promise: Promise<T>): Promise<T> {
  let isDone = false;
  const marked = promise.finally(() => (isDone = true));
  for (let round = 0; round < 1_000 && !isDone; round++) {
    time.advance(0);
    await Promise.resolve();
  }
  return marked;
}

interface Fixture {
  readonly time: VirtualTime;
  readonly log: MemoryLog;
  readonly cache: WatchCache;
  readonly sealer: Sealer;
  write(object: TestObject, event?: Partial<ObjectEvent>): Promise<Revision>;
  append(batch: readonly Append[]): Promise<readonly Revision[]>;
}

function append(object: TestObject, event: Partial<ObjectEvent> = {}): Append {
  return { subject: subjectOf(object.key), payload: encodeObjectEvent(testEvent(object, event)) };
}

async function start(options: Partial<WatchCacheOptions> = {}): Promise<Fixture> {
  const time = createVirtualTime(1_000_000);
  const log = createMemoryLog({ time });
  const random = createSeededRandom(1);
  const sealer = createSealer({ keyStore: createMemoryKeyStore(), clusterKey: new Uint8Array(32), random });
  await done(time, ensureGenesis(log, 'cluster', time));
  const cache = createWatchCache({ log, sealer, time, random, logger: silentLogger, ...options });
  await done(time, cache.start());
  const appendAll = async (batch: readonly Append[]): Promise<readonly Revision[]> => {
    const outcome = await done(time, log.append('objects', batch));
    await settle(time);
    if (outcome.outcome !== 'appended') throw new Error(outcome.outcome);
    return outcome.revisions;
  };
  return {
    time,
    log,
    cache,
    sealer,
    append: appendAll,
    write: async (object, event) => (await appendAll([append(object, event)]))[0]!,
  };
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const namesOf = (list: { items: readonly { key: ObjectKey }[] }): string[] =>
  list.items.map(({ key }) => `${key.namespace}/${key.name}`);
const show = (change: WatchChange): string =>
  `${change.revision} ${change.type} ${change.current.key.name} ${change.previous?.revision ?? '-'}`;

describe('watch cache', () => {
  it('has the genesis revision when it has nothing else', async () => {
    const { cache } = await start();
    expect(cache.list(pods)).toEqual({ items: [], revision: 1 });
    expect(cache.appliedRevision('events')).toBe(1);
    expect(() => cache.check()).not.toThrow();
  });

  it('gives the bytes as they were stored with the resourceVersion in them', async () => {
    const { cache, write } = await start();
    const revision = await write({ key: testKey('a'), content: { spec: { big: 1 } } });
    const state = cache.get(testKey('a'))!;
    expect(textOf(state.storageJson)).toBe(
      `{"apiVersion":"v1","kind":"Pod","metadata":{"resourceVersion":"${revision}","name":"a","namespace":"default"},"spec":{"big":1}}`,
    );
    expect(state).toMatchObject({ revision, uid: 'uid-of-a', event: { verb: 'update', actor: { user: 'tester' } } });
    expect(state.object()).toBe(state.object());
    expect(Object.isFrozen(state.object().metadata)).toBe(true);
    expect(state.storageJson.buffer.byteLength).toBe(state.storageJson.length);
  });

  it('lists by namespace and name in the order of upstream, from a namespace or all', async () => {
    const { cache, append: appendAll } = await start();
    const names = ['b/x', 'a/y', 'a-b/x', 'a/x', 'b/a'];
    await appendAll(names.map((name) => append({ key: testKey(name.split('/')[1]!, name.split('/')[0]) })));
    expect(namesOf(cache.list(pods))).toEqual(['a-b/x', 'a/x', 'a/y', 'b/a', 'b/x']);
    expect(namesOf(cache.list(pods, { namespace: 'a' }))).toEqual(['a/x', 'a/y']);
    await appendAll([append({ key: testKey('x', 'a') }, { verb: 'delete' }), append({ key: testKey('z', 'a') })]);
    expect(namesOf(cache.list(pods, { namespace: 'a' }))).toEqual(['a/y', 'a/z']);
  });

  it.each([
    ['a label', { index: 'label:app', value: 'web' } as const, ['one', 'two']],
    ['a node', { index: 'spec.nodeName', value: 'n1' } as const, ['two']],
    ['no node', { index: 'spec.nodeName', value: '' } as const, ['one', 'three']],
    ['an owner', { index: 'metadata.ownerReferences.uid', value: 'owner' } as const, ['three']],
    ['a value that nothing has', { index: 'label:app', value: 'none' } as const, []],
  ])('finds by index: %s', async (_name, index, names) => {
    const { cache, write } = await start();
    await write({ key: testKey('one'), metadata: { labels: { app: 'web' } } });
    await write({ key: testKey('three'), metadata: { ownerReferences: [{ uid: 'owner' }, { uid: 'owner' }] } });
    expect(namesOf(cache.list(pods, { index })).length).toBeLessThan(3);
    await write({ key: testKey('two'), metadata: { labels: { app: 'web' } }, content: { spec: { nodeName: 'n1' } } });
    expect(namesOf(cache.list(pods, { index })).sort()).toEqual(names.map((name) => `default/${name}`).sort());
  });

  it('tells a watch what happened since and then what happens, with the state before', async () => {
    const { cache, write } = await start();
    const first = await write({ key: testKey('a') });
    await write({ key: testKey('a') });
    const seen: string[] = [];
    const watch = cache.watch(pods, first, (changes) => seen.push(...changes.map(show)));
    if (watch.outcome !== 'watching') throw new Error(watch.outcome);
    expect(watch.backlog.map(show)).toEqual(['3 put a 2']);
    await write({ key: testKey('b') });
    await write({ key: testKey('a') }, { verb: 'delete' });
    watch.stop();
    await write({ key: testKey('c') });
    expect(seen).toEqual(['4 put b -', '5 delete a 3']);
  });

  it('tells a watch by index of objects that enter and leave it, and of no others', async () => {
    const { cache, write } = await start();
    const seen: string[] = [];
    const index = { index: 'spec.nodeName', value: 'n1' } as const;
    cache.watch(pods, cache.appliedRevision('objects'), (changes) => seen.push(...changes.map(show)), { index });
    const on = (nodeName: string) => ({ key: testKey('a'), content: { spec: { nodeName } } });
    for (const node of ['n2', 'n1', 'n1', 'n2', 'n2']) await write(on(node));
    expect(seen).toEqual(['3 put a 2', '4 put a 3', '5 put a 4']);
  });

  it('keeps a transaction back until it is whole, from lists, watches and as-of reads', async () => {
    const { cache, append: appendAll, log, time } = await start();
    const seen: string[][] = [];
    cache.watch(pods, cache.appliedRevision('objects'), (changes) => seen.push(changes.map(show)));
    const part = (index: number) =>
      append({ key: testKey(`t${index}`) }, { transaction: { id: 'tx', index, count: 3 } });
    await done(time, log.append('objects', [part(0), part(1)]));
    await settle(time);
    expect(cache.list(pods)).toMatchObject({ items: [], revision: 1 });
    await appendAll([part(2)]);
    expect(seen).toEqual([['2 put t0 -', '3 put t1 -', '4 put t2 -']]);
    const halfway = cache.listAt(pods, toRevision(3));
    expect(halfway.outcome === 'list' && namesOf(halfway.list)).toEqual([]);
  });

  it('answers at any revision of the window as it did when that was the present', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const step = fc.record({
      name: fc.constantFrom(...names),
      verb: fc.constantFrom('update', 'delete'),
      label: fc.constantFrom('x', 'y'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const { cache, write } = await start();
        const index = { index: 'label:l', value: 'x' } as const;
        const present = (): unknown => [
          cache.list(pods).items.map((item) => textOf(item.storageJson)),
          cache.list(pods, { index }).items.map((item) => textOf(item.storageJson)),
          names.map((name) => cache.get(testKey(name))?.revision),
        ];
        const history = new Map<Revision, unknown>([[cache.appliedRevision('objects'), present()]]);
        const watched: string[] = [];
        cache.watch(pods, toRevision(1), (changes) => watched.push(...changes.map(show)));
        for (const { name, verb, label } of steps) {
          const revision = await write(
            { key: testKey(name), metadata: { labels: { l: label } } },
            { verb: verb as 'update' | 'delete' },
          );
          history.set(revision, present());
        }
        for (const [revision, state] of history) {
          const [all, some] = [cache.listAt(pods, revision), cache.listAt(pods, revision, { index })];
          const past = [all, some].map((found) =>
            found.outcome === 'list' ? found.list.items.map((item) => textOf(item.storageJson)) : found.outcome,
          );
          const objects = names.map((name) => {
            const found = cache.getAt(testKey(name), revision);
            return found.outcome === 'object' ? found.object?.revision : found.outcome;
          });
          expect([...past, objects]).toEqual(state);
          const resumed = cache.watch(pods, revision, () => undefined);
          const backlog = resumed.outcome === 'watching' ? resumed.backlog.map(show) : [];
          expect(backlog).toEqual(watched.filter((line) => Number(line.split(' ')[0]) > revision));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('says how far back it reaches, and what it has not reached', async () => {
    const { cache, write } = await start({ window: { changesMax: 3, changesMin: 0 } });
    for (let index = 0; index < 10; index++) await write({ key: testKey('a') });
    const oldest = toRevision(8);
    expect(cache.watch(pods, toRevision(7), () => undefined)).toEqual({ outcome: 'tooOld', oldest });
    expect(cache.watch(pods, oldest, () => undefined)).toMatchObject({ outcome: 'watching' });
    expect(cache.listAt(pods, toRevision(7))).toEqual({ outcome: 'tooOld', oldest });
    expect(cache.getAt(testKey('a'), toRevision(12))).toEqual({ outcome: 'tooNew', applied: 11 });
  });

  it('keeps what is young and drops what is old beyond the least', async () => {
    const { cache, write, time } = await start({ window: { ageMs: 1_000, changesMin: 1 } });
    await write({ key: testKey('a') });
    await write({ key: testKey('a') });
    time.advance(2_000);
    await write({ key: testKey('a') });
    expect(cache.watch(pods, toRevision(2), () => undefined)).toMatchObject({ outcome: 'tooOld', oldest: 3 });
  });

  it('says what an append has to expect: the object, its tombstone, or nothing', async () => {
    const { cache, write } = await start();
    const subject = subjectOf(testKey('a'));
    expect(cache.lastRevisionOf(subject)).toBe(0);
    for (const verb of ['create', 'delete', 'create', 'update'] as const)
      expect(cache.lastRevisionOf(subject)).not.toBe(await write({ key: testKey('a') }, { verb }));
    expect(cache.lastRevisionOf(subject)).toBe(5);
    await write({ key: testKey('a') }, { verb: 'delete' });
    expect(cache.lastRevisionOf(subject)).toBe(6);
    expect(cache.lastRevisionOf('system.objects.genesis')).toBe(1);
  });

  it('remembers what a request wrote', async () => {
    const { cache, write } = await start({ window: { changesMax: 1 } });
    const revision = await write({ key: testKey('a') }, { requestId: 'r1' });
    expect(cache.writtenBy('r1')?.revision).toBe(revision);
    await write({ key: testKey('a') }, { requestId: 'r2' });
    expect(cache.writtenBy('r1')).toBeUndefined();
  });

  it('lets nothing readable change through poison, and goes on behind it', async () => {
    const { cache, append: appendAll } = await start();
    const key = testKey('a');
    const deep = `{"metadata":{},"x":${'['.repeat(5_000)}${']'.repeat(5_000)}}`;
    for (const payload of [
      Buffer.from('nonsense'),
      encodeObjectEvent({ ...testEvent({ key }), object: Buffer.from(deep) }),
      encodeObjectEvent({ ...testEvent({ key }), object: Buffer.from('{"metadata":') }),
      encodeObjectEvent(testEvent({ key: testKey('other') })),
    ])
      await appendAll([{ subject: subjectOf(key), payload }]);
    expect(cache.list(pods).items).toEqual([]);
    await appendAll([append({ key: testKey('b') })]);
    expect(namesOf(cache.list(pods))).toEqual(['default/b']);
    expect(cache.lastRevisionOf(subjectOf(key))).toBe(5);
  });

  it('knows what is damaged until its next entry', async () => {
    const { cache, append: appendAll } = await start();
    const key = testKey('a');
    await appendAll([append({ key })]);
    await appendAll([{ subject: subjectOf(key), payload: Buffer.from('nonsense') }]);
    expect(cache.damagedAt(key)).toBe(3);
    expect(cache.damaged(pods)).toEqual([{ key, revision: 3 }]);
    expect(cache.damaged('objects')).toEqual(cache.damaged(pods));
    expect(cache.damaged({ group: 'apps', resource: 'pods' })).toEqual([]);
    expect(cache.get(key)?.revision).toBe(2);
    await appendAll([append({ key })]);
    expect(cache.damagedAt(key)).toBeUndefined();
    expect(cache.damaged('objects')).toEqual([]);
  });

  it('opens sealed objects, and shows a stand-in for one whose key is gone', async () => {
    const { cache, sealer, append: appendAll, time } = await start();
    const resource = { group: '', resource: 'secrets' };
    const key = testKey('s', 'default', 'secrets');
    const event = testEvent({ key, content: { data: { password: 'aHVudGVyMg==' } } }, { kind: 'Secret' });
    const sealed = await sealer.seal(key, event.uid, event.object);
    expect(textOf(sealed.object)).not.toContain('password');
    const payload = encodeObjectEvent({ ...event, ...sealed });
    await appendAll([{ subject: subjectOf(key), payload }]);
    expect(cache.get(key)!.object()).toMatchObject({ data: { password: 'aHVudGVyMg==' } });
    await sealer.destroy(event.uid);
    await appendAll([{ subject: subjectOf(key), payload }]);
    await settle(time);
    const [state] = cache.list(resource).items;
    expect(state).toMatchObject({ unreadable: 'keyGone', revision: 3 });
    expect(textOf(state!.storageJson)).toBe(
      '{"apiVersion":"v1","kind":"Secret","metadata":{"resourceVersion":"3","name":"s","namespace":"default","uid":"uid-of-s"}}',
    );
  });

  it('folds the expiry of an Event into a delete with its last state', async () => {
    const { cache, log, time } = await start();
    const key = testKey('e', 'default', 'events');
    await done(time, log.append('events', [{ ...append({ key }), ttlSeconds: 60 }]));
    await settle(time);
    const seen: WatchChange[] = [];
    cache.watch(key, toRevision(2), (changes) => seen.push(...changes));
    time.advance(60_000);
    await settle(time);
    expect(seen.map(show)).toEqual(['3 delete e 2']);
    expect(textOf(seen[0]!.current.storageJson)).toContain('"metadata":{"resourceVersion":"3","name":"e"');
    expect(cache.lastRevisionOf(subjectOf(key))).toBe(0);
  });

  it('waits for a log that is away when it starts', async () => {
    const time = createVirtualTime(0);
    const log = createMemoryLog({ time });
    await done(time, ensureGenesis(log, 'cluster', time));
    let asked = 0;
    const lastRevision: EventLog['lastRevision'] = (stream) =>
      asked++ < 5 ? Promise.reject(new LogUnavailableError('away')) : log.lastRevision(stream);
    const random = createSeededRandom(1);
    const sealer = createSealer({ keyStore: createMemoryKeyStore(), clusterKey: new Uint8Array(32), random });
    const cache = createWatchCache({ log: { ...log, lastRevision }, sealer, time, random, logger: silentLogger });
    const started = cache.start();
    await settle(time);
    expect(() => cache.check()).toThrow();
    time.advance(5_000);
    await settle(time);
    time.advance(5_000);
    await done(time, started);
    expect(() => cache.check()).not.toThrow();
    cache.close();
  });

  it('drops an Event whose marker nobody told it of', async () => {
    const time = createVirtualTime(1_000_000);
    const log = createMemoryLog({ time });
    const key = testKey('e', 'default', 'events');
    const follow: EventLog['follow'] = (stream, from, handler) =>
      log.follow(stream, from, {
        ...handler,
        onEntries: (entries) => handler.onEntries(entries.filter((entry) => entry.marker === undefined)),
      });
    const random = createSeededRandom(1);
    const sealer = createSealer({ keyStore: createMemoryKeyStore(), clusterKey: new Uint8Array(32), random });
    await done(time, ensureGenesis(log, 'cluster', time));
    const cache = createWatchCache({ log: { ...log, follow }, sealer, time, random, logger: silentLogger });
    await done(time, cache.start());
    await done(time, log.append('events', [{ ...append({ key }), ttlSeconds: 60 }]));
    await settle(time);
    const seen: WatchChange[] = [];
    cache.watch(key, toRevision(2), (changes) => seen.push(...changes));
    for (const [minutes, events] of [
      [1, 1],
      [3, 0],
    ] as const) {
      time.advance(minutes * 60_000);
      await settle(time);
      expect(cache.list(key).items).toHaveLength(events);
    }
    expect(seen.map(({ type, previous }) => `${type} ${previous?.revision}`)).toEqual(['delete 2']);
    cache.close();
    expect(time.nextDueMs()).toBeUndefined();
  });

  it('waits for a revision no longer than asked', async () => {
    const { cache, write, time } = await start();
    const soon = cache.waitFor('objects', toRevision(2), 1_000);
    const late = cache.waitFor('objects', toRevision(99), 1_000);
    await write({ key: testKey('a') });
    time.advance(1_000);
    expect(await Promise.all([soon, late])).toEqual([true, false]);
  });

  describe('from a snapshot', () => {
    const event = testEvent({ key: testKey('old') });
    const rows = [
      { subject: subjectOf(testKey('old')), revision: toRevision(2), timestampMs: 1_000_000, event },
      {
        subject: subjectOf(testKey('gone')),
        revision: toRevision(3),
        timestampMs: 1_000_000,
        event: { ...testEvent({ key: testKey('gone') }), verb: 'delete' as const },
      },
    ];
    const source = (revision: number, clusterId = 'cluster', timestampMs = 1_000_000): SnapshotSource => ({
      async load(stream, onRows) {
        if (stream !== 'objects') return undefined;
        await onRows(rows.map((row) => ({ ...row, timestampMs })));
        return { revision: toRevision(revision), clusterId, damaged: [], requests: [] };
      },
    });

    it.each([
      ['goes on where it ends', source(3), 4],
      ['reads the log instead when it is ahead of it', source(9), 1],
      ['reads the log instead when it is of another cluster', source(3, 'other'), 1],
      ['reads the log instead when that has other entries in its place', source(3, 'cluster', 5), 1],
      ['reads the log instead when it fails', { load: () => Promise.reject(new Error('away')) }, 1],
    ])('%s', async (_name, snapshots, followedFrom) => {
      const { log, write, time, sealer } = await start();
      await write({ key: testKey('old') });
      await write({ key: testKey('gone') }, { verb: 'delete' });
      await write({ key: testKey('new') });
      const from: number[] = [];
      const follow: EventLog['follow'] = (stream, revision, handler) => {
        if (stream === 'objects') from.push(revision);
        return log.follow(stream, revision, handler);
      };
      const options = { sealer, time, random: createSeededRandom(1), logger: silentLogger, snapshots };
      const cache = createWatchCache({ ...options, log: { ...log, follow } });
      await done(time, cache.start());
      expect(from).toEqual([followedFrom]);
      expect(namesOf(cache.list(pods))).toEqual(['default/new', 'default/old']);
      expect(cache.lastRevisionOf(subjectOf(testKey('gone')))).toBe(3);
      expect(cache.listAt(pods, toRevision(2)).outcome).toBe(followedFrom === 1 ? 'list' : 'tooOld');
    });
  });
});
