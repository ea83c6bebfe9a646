import { type Revision, toRevision } from '@periplus/api/meta';
import type { MemoryLog } from '@periplus/log/event-log/testing';
import {
  encodeObjectEvent,
  fenceSubject,
  floorSubject,
  restoreSubject,
  subjectOf,
  type SystemEntry,
  systemEvent,
} from '@periplus/log/object-events';
import { createMemoryKeyStore, testKey } from '@periplus/log/object-events/testing';
import { toChange } from '@periplus/view/projection';
import { restoreKeys, saveKeys } from './key-archive.js';
import { openArchive } from './open-archive.js';
import { restoreLog } from './restore-log.js';
import { type SavedLog, saveLog, type SaveOptions } from './save-log.js';
import { beginningMs, type SpecLog, startSpecLog } from './spec-log.js';
import { firstRevisionAbove, type SavedPoint, surveyArchive } from './survey-archive.js';
import { createMemoryFile, type MemoryFile, storyOf as storyOfEntries } from './testing.js';

const [a, b, c] = [testKey('a'), testKey('b'), testKey('c')];
const open: SpecLog[] = [];
const storyOf = (log: MemoryLog) => storyOfEntries(log.retained('objects'));

async function start(clusterId?: string): Promise<SpecLog> {
  const spec = await startSpecLog(clusterId);
  open.push(spec);
  return spec;
}
afterEach(async () => {
  for (const { log } of open.splice(0)) await log.close();
});

function save({ log, time }: SpecLog, file: MemoryFile, more: Partial<SaveOptions> = {}) {
  return saveLog({ log, file, clusterId: 'spec', notes: { number: '3' }, time, ...more });
}

async function restore(file: MemoryFile, to?: SavedPoint, into?: SpecLog) {
  const survey = await surveyArchive(file, to);
  const target = into ?? (await start('new'));
  const outcome = await restoreLog({ file, survey, log: target.log, time: target.time });
  return { survey, target, outcome, story: storyOf(target.log) };
}

async function appendSystem({ log, time }: SpecLog, subject: string, entry: SystemEntry): Promise<Revision> {
  const payload = encodeObjectEvent(systemEvent(entry, '', time));
  const outcome = await log.append('objects', [{ subject, payload }]);
  return outcome.outcome === 'appended' ? outcome.revisions[0]! : toRevision(0);
}

const appendFloor = (spec: SpecLog, scope: string, revision: number, timeMs = beginningMs): Promise<Revision> =>
  appendSystem(spec, floorSubject('objects', scope), {
    type: 'floor',
    scope,
    revision: toRevision(revision),
    timeMs,
  });

/** Creates, updates, a deletion, a transaction, a cause, poison; a second apart. */
async function live(spec: SpecLog): Promise<void> {
  let second = 0;
  const tick = (): void => spec.at(beginningMs + ++second * 1_000);
  tick();
  const [created] = await spec.write({ key: a, verb: 'create' });
  tick();
  await spec.write({ key: b, cause: { key: a, revision: created! } });
  tick();
  await appendSystem(spec, fenceSubject('objects', 'scheduler'), { type: 'fence', holder: 'h', election: 'scheduler' });
  await spec.write({ key: a, content: { spec: 1 } }, { key: c }, { key: testKey('d') });
  tick();
  await spec.write({ key: b, verb: 'delete' });
  tick();
  await spec.log.append('objects', [{ subject: subjectOf(testKey('poison')), payload: Buffer.from('no envelope') }]);
  await spec.write({ key: a, content: { spec: 2 } });
}

const messageOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (error: Error & { code?: string }) => `${error.code}: ${error.message}`,
  );

describe('a back-up', () => {
  it('gives back the same story at other revisions, with the time that each entry had', async () => {
    const spec = await start();
    await live(spec);
    const file = createMemoryFile();
    const saved = await save(spec, file);
    expect(saved).toMatchObject({ entries: 10 + 1, unreadable: 1, torn: 0, from: 0 });
    const into = await start('new');
    into.at(beginningMs + 1e9);
    const { story, outcome, target } = await restore(file, undefined, into);
    expect(story).toEqual(storyOf(spec.log));
    expect(story).toHaveLength(6);
    expect(outcome).toMatchObject({ entries: 8, events: 0, firstRevision: 2, revision: 10 });
    const last = target.log.retained('objects').at(-1)!;
    expect(last.subject).toBe(restoreSubject('objects'));
    expect(toChange(last)).toMatchObject({ event: { system: { type: 'restore', clusterId: 'spec', revision: 10 } } });
    expect(target.log.retained('objects').some(({ subject }) => subject.includes('fence'))).toBe(false);
  });

  it('goes on where it was, and is then what one run would have made', async () => {
    const spec = await start();
    const file = createMemoryFile();
    await live(spec);
    await save(spec, file);
    const idle = await save(spec, file);
    expect(idle).toMatchObject({ entries: 0, mark: { run: 2 } });
    await spec.write({ key: c, verb: 'delete' }, { key: a });
    const more = await save(spec, file);
    expect(more).toMatchObject({ entries: 2, mark: { run: 3, entries: 13 } });
    const whole = createMemoryFile();
    await save(spec, whole);
    expect((await restore(file)).story).toEqual((await restore(whole)).story);
    expect((await restore(file)).story).toEqual(storyOf(spec.log));
  });

  it('keeps what the log has forgotten since', async () => {
    const spec = await start();
    await live(spec);
    const file = createMemoryFile();
    await save(spec, file);
    const before = storyOf(spec.log);
    const floor = await spec.log.lastRevision('objects');
    await appendFloor(spec, 'core.pods', floor);
    for (const key of [a, b, c]) await spec.log.purge('objects', subjectOf(key), floor);
    await spec.write({ key: c, content: { spec: 3 } });
    await save(spec, file);
    const { story, survey } = await restore(file);
    expect(story.slice(0, -1)).toEqual(before);
    expect(survey.floors.size).toBe(0);
  });

  it('cuts off what a run left that did not end, wherever it was cut', async () => {
    const spec = await start();
    const file = createMemoryFile();
    await live(spec);
    await save(spec, file);
    const end = file.bytes.length;
    await spec.write({ key: b });
    await save(spec, file);
    const complete = Buffer.from(file.bytes);
    const wanted = storyOf(spec.log);
    for (let size = end; size < complete.length; size++) {
      const torn = createMemoryFile(complete.subarray(0, size));
      expect(await openArchive(torn)).toMatchObject({ mark: { run: 1 }, end, torn: size - end });
    }
    for (const size of [end + 1, end + 100, complete.length - 40]) {
      const torn = createMemoryFile(complete.subarray(0, size));
      expect(await save(spec, torn)).toMatchObject({ entries: 1, torn: size - end, mark: { run: 2 } });
      expect(torn.bytes.length).toBe(complete.length);
    }
    const last = createMemoryFile(complete.subarray(0, complete.length - 1));
    await save(spec, last);
    expect((await restore(last)).story).toEqual(wanted);
  });

  it('is begun anew when not even its header was written', async () => {
    const spec = await start();
    await live(spec);
    const file = createMemoryFile();
    await save(spec, file);
    for (const size of [0, 1, 7, 8, 20, 60]) {
      const torn = createMemoryFile(file.bytes.subarray(0, size));
      expect(await save(spec, torn)).toMatchObject({ torn: size, mark: { run: 1 } });
    }
  });

  it('names damage, and never takes it for a torn end', async () => {
    const spec = await start();
    const file = createMemoryFile();
    await live(spec);
    await save(spec, file);
    const place = file.bytes.indexOf('"name":"c"');
    await spec.write({ key: b });
    await save(spec, file);
    const damaged = Buffer.from(file.bytes);
    damaged[place]! ^= 1;
    const named = /^ARCHIVE_DAMAGED: damaged at byte \d+: the checksum of the entry does not match$/;
    expect(await messageOf(surveyArchive(createMemoryFile(damaged), undefined))).toMatch(named);
    const torn = createMemoryFile(damaged.subarray(0, damaged.length - 1));
    expect(await openArchive(createMemoryFile(damaged))).toMatchObject({ mark: { run: 2 } });
    expect(await messageOf(save(spec, torn))).toMatch(named);
    expect(torn.bytes.length).toBe(damaged.length - 1);
  });

  it('is made of one log alone', async () => {
    const spec = await start();
    await live(spec);
    const file = createMemoryFile();
    await save(spec, file);
    const { length } = file.bytes;
    const other = await start('other');
    expect(await messageOf(save(other, file, { clusterId: 'other' }))).toBe(
      'OTHER_LOG: it is of the cluster spec, not of other',
    );
    const again = await start();
    again.at(beginningMs + 1);
    const later = await startSpecLog();
    later.at(beginningMs + 1);
    expect(await messageOf(save(again, file))).toMatch(/^OTHER_LOG: it has revision 10, and the log ends at 1/);
    const { log } = later;
    const moved: SavedLog = {
      ...log,
      entry: async (stream, revision) => {
        const entry = await log.entry(stream, revision);
        return entry && { ...entry, timestampMs: entry.timestampMs + 1 };
      },
    };
    expect(await messageOf(save({ ...later, log: { ...log, ...moved } }, file))).toMatch(
      /^OTHER_LOG: it is of another cluster of the name spec/,
    );
    expect(await messageOf(save(spec, createMemoryFile(Buffer.from('apiVersion: v1'))))).toMatch(/^NOT_AN_ARCHIVE/);
    expect(file.bytes.length).toBe(length);
    await log.close();
  });
});

describe('a back-up of a log that forgets', () => {
  it('says from where on it is whole, and is restored from there on', async () => {
    const spec = await start();
    await live(spec);
    const floor = await appendFloor(spec, 'core.pods', 8, beginningMs + 4_000);
    await spec.log.purge('objects', subjectOf(a), toRevision(5));
    await spec.log.purge('objects', subjectOf(b), toRevision(9));
    const file = createMemoryFile();
    await save(spec, file);
    expect(await messageOf(surveyArchive(file, { type: 'revision', revision: toRevision(7) }))).toMatch(
      /^OUT_OF_REACH: it has no whole state of the cluster before revision 8 of 2023/,
    );
    const { survey, story, target } = await restore(file, { type: 'revision', revision: toRevision(8) });
    expect(survey.earliest.revision).toBe(8);
    expect(story).toHaveLength(1);
    const floors = target.log.retained('objects').filter(({ subject }) => subject.includes('.floor.'));
    // a, c and d of the transaction are 2, 3 and 4 there; what was purged before them has no revision any more.
    expect(floors.map(toChange)).toMatchObject([
      { event: { system: { scope: 'core.pods', revision: 4, timeMs: beginningMs + 4_000 } } },
    ]);
    expect(floor).toBe(11);
  });

  it('refuses to go on behind a hole, and leaves the file as it was', async () => {
    const spec = await start();
    await live(spec);
    const file = createMemoryFile();
    await save(spec, file);
    const bytes = Buffer.from(file.bytes);
    const [revision] = await spec.write({ key: c, verb: 'delete' });
    await appendFloor(spec, 'core.pods', revision!);
    await spec.log.purge('objects', subjectOf(c), toRevision(revision! + 1));
    expect(await messageOf(save(spec, file))).toBe(
      `HISTORY_GONE: it goes up to revision 10, and the log has forgotten core.pods up to revision ${revision}`,
    );
    expect(file.bytes.equals(bytes)).toBe(true);
  });

  it('goes on when only an object was written too often, and says so when its state is asked for', async () => {
    const spec = await start();
    await live(spec);
    const file = createMemoryFile();
    await save(spec, file);
    for (let round = 0; round < 5; round++) await spec.write({ key: a, content: { round } });
    const end = await spec.log.lastRevision('objects');
    await appendFloor(spec, 'core.pods.default.a', end - 1);
    await spec.log.purge('objects', subjectOf(a), toRevision(end - 1));
    await save(spec, file);
    const whole = await restore(file);
    expect(whole.survey.inexact).toEqual([]);
    expect(whole.story.at(-1)).toMatchObject([{ key: a }]);
    const past = await surveyArchive(file, { type: 'revision', revision: toRevision(12) });
    expect(past.inexact).toEqual(['core.pods.default.a']);
  });

  it('brings nothing back whose end was purged while it was read', async () => {
    const spec = await start();
    await live(spec);
    await spec.write({ key: c, verb: 'delete' });
    const file = createMemoryFile();
    const { log } = spec;
    let purged = false;
    /** Hands the first entries over, has a compactor purge what both sides of them, and goes on. */
    const follow: SavedLog['follow'] = (stream, from, handler) =>
      log.follow(stream, from, {
        ...handler,
        async onEntries(entries) {
          if (stream !== 'objects' || purged) return handler.onEntries(entries);
          purged = true;
          const split = entries.findIndex(({ subject }) => subject === subjectOf(c)) + 1;
          await handler.onEntries(entries.slice(0, split));
          const floor = await log.lastRevision('objects');
          await appendFloor(spec, 'core.pods', floor);
          await log.purge('objects', subjectOf(c), toRevision(floor + 1));
          const rest = entries.slice(split);
          const left = new Set(log.retained('objects').map(({ revision }) => revision));
          return handler.onEntries(rest.filter(({ revision }) => left.has(revision)));
        },
      });
    await save({ ...spec, log: { ...log, follow } }, file);
    expect(file.bytes.includes('"name":"c"')).toBe(true);
    const { story, survey } = await restore(file);
    expect([...survey.gone.keys()]).toEqual([subjectOf(c)]);
    expect(JSON.stringify(story)).not.toContain('"name":"c"');
    expect(JSON.stringify(story)).toContain('"name":"d"');
  });

  it('takes what is left of a transaction for the whole of it', async () => {
    const spec = await start();
    await spec.write({ key: a }, { key: b }, { key: c });
    await spec.write({ key: b });
    await spec.write({ key: c });
    await spec.log.purge('objects', subjectOf(b), toRevision(5));
    await spec.log.purge('objects', subjectOf(c), toRevision(6));
    const file = createMemoryFile();
    await save(spec, file);
    const { target, story } = await restore(file);
    expect(target.log.retained('objects').map(toChange)[1]).toMatchObject({
      event: { transaction: { index: 0, count: 1 } },
    });
    expect(story).toHaveLength(3);
  });
});

describe('a restore to a moment', () => {
  const moment = (revision: number): SavedPoint => ({ type: 'revision', revision: toRevision(revision) });

  it.each<[string, SavedPoint, number, number]>([
    ['a revision', moment(9), 9, 5],
    ['a revision within a transaction', moment(6), 4, 2],
    ['the end of a transaction', moment(7), 7, 3],
    ['a time', { type: 'time', timeMs: beginningMs + 3_999 }, 7, 3],
    ['the time of an entry', { type: 'time', timeMs: beginningMs + 4_000 }, 8, 4],
    ['a time to come', { type: 'time', timeMs: beginningMs + 1e9 }, 10, 6],
  ])('brings back what was then: %s', async (_name, to, cut, commits) => {
    const spec = await start();
    await live(spec);
    const file = createMemoryFile();
    await save(spec, file);
    const { survey, story } = await restore(file, to);
    expect(survey.cut.revision).toBe(cut);
    expect(story).toEqual(storyOf(spec.log).slice(0, commits));
  });

  it.each<[string, SavedPoint, RegExp]>([
    ['behind the end', moment(13), /^OUT_OF_REACH: it ends at revision 10 of 2023-11-14T22:13:25/],
    ['before the beginning', { type: 'time', timeMs: beginningMs - 1 }, /^OUT_OF_REACH: it has no whole state/],
  ])('says what there is when it is asked for what is not: %s', async (_name, to, message) => {
    const spec = await start();
    await live(spec);
    const file = createMemoryFile();
    await save(spec, file);
    expect(await messageOf(surveyArchive(file, to))).toMatch(message);
  });

  it('needs a run that ended, and an empty log', async () => {
    const spec = await start();
    await live(spec);
    const file = createMemoryFile();
    await save(spec, file);
    const cut = createMemoryFile(file.bytes.subarray(0, file.bytes.length - 1));
    expect(await messageOf(surveyArchive(cut, undefined))).toMatch(/^ARCHIVE_EMPTY/);
    expect(await messageOf(restore(file, undefined, spec))).toBe(
      'LOG_NOT_EMPTY: the new log has entries of objects already',
    );
  });

  it('may be restored and saved again: entries keep where they came from first', async () => {
    const spec = await start();
    await live(spec);
    const file = createMemoryFile();
    await save(spec, file);
    const { target } = await restore(file);
    const second = createMemoryFile();
    await save(target, second, { clusterId: 'new' });
    const { target: last } = await restore(second);
    const origins = last.log.retained('objects').flatMap((entry) => {
      const change = toChange(entry);
      return change.type === 'put' ? [change.event.restored] : [];
    });
    expect(origins[0]).toEqual({ clusterId: 'spec', revision: 2, timestampMs: beginningMs + 1_000 });
    expect(storyOf(last.log)).toEqual(storyOf(spec.log));
  });

  it.each([
    [0, 2_000_000_000],
    [1_234, 2_000_000_000],
    [999_999_999, 2_000_000_000],
    [1_000_000_000, 3_000_000_000],
    [2_000_000_123, 4_000_000_000],
  ])('leaves revisions out that others may have seen: %i → %i', (last, first) => {
    expect(firstRevisionAbove(toRevision(last))).toBe(first);
  });
});

describe('Events in a back-up', () => {
  const event = (name: string) => testKey(name, 'default', 'events');

  it('come back as long as they would have lived, without those that ended', async () => {
    const spec = await start();
    await live(spec);
    await spec.write({ key: event('short'), ttlSeconds: 60 });
    await spec.write({ key: event('long'), ttlSeconds: 3_600 });
    const file = createMemoryFile();
    await save(spec, file);
    const into = await start('new');
    into.at(spec.time.now() + 600_000);
    const { outcome, target } = await restore(file, undefined, into);
    expect(outcome.events).toBe(1);
    const [, restored] = target.log.retained('events');
    expect(restored).toMatchObject({ subject: subjectOf(event('long')) });
    expect(restored!.expiresAtMs).toBe(spec.time.now() + 3_600_000);
  });
});

describe('the file of keys', () => {
  const clusterKey = new Uint8Array(32).fill(7);

  it('gives back every key, to the log that it is of', async () => {
    const spec = await start();
    await live(spec);
    const file = createMemoryFile();
    await save(spec, file);
    const { header } = (await openArchive(file))!;
    const keyStore = createMemoryKeyStore();
    for (let index = 0; index < 150; index++) await keyStore.putIfAbsent(`uid-${index}`, Uint8Array.of(index));
    const keys = createMemoryFile(Buffer.from('of an earlier run'));
    expect(await saveKeys(keys, header, clusterKey, keyStore)).toBe(150);
    const restored = createMemoryKeyStore();
    expect(await restoreKeys(keys, header, restored)).toEqual({ clusterKey, keys: 150 });
    expect(restored.keys).toEqual(keyStore.keys);
    expect(file.bytes.includes(Buffer.from(clusterKey))).toBe(false);

    const other = { ...header, genesis: new Uint8Array(32) };
    expect(await messageOf(restoreKeys(keys, other, restored))).toMatch(/^OTHER_LOG/);
    const cut = createMemoryFile(keys.bytes.subarray(0, keys.bytes.length - 29));
    expect(await messageOf(restoreKeys(cut, header, restored))).toBe('ARCHIVE_DAMAGED: the file of keys is not whole');
  });
});
