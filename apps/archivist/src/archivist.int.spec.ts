import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Revision, toRevision } from '@periplus/api/meta';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import type { LogEntry, StreamName } from '@periplus/log/event-log';
import { connectJetStreamLog, type JetStreamLog } from '@periplus/log/jetstream-log';
import { createSealer, encodeObjectEvent, type ObjectEvent, streamOf, subjectOf } from '@periplus/log/object-events';
import { testEvent, testKey } from '@periplus/log/object-events/testing';
import { type NatsService, type PostgresService, startNats, startPostgres } from '@periplus/testing/services';
import { storyOf } from '@periplus/view/archive/testing';
import { createPostgresView, createProjector } from '@periplus/view/postgres-view';
import { createWatchCache, type WatchCache } from '@periplus/view/watch-cache';
import type { ArchivistConfig } from './config.js';
import type { ArchivistLine, CheckReport, RestoreReport, SaveReport } from './report.js';
import { check, restore, save, type TaskParts } from './wiring.js';

const common = { time: systemTime, random: systemRandom, logger: silentLogger };
const pods = { group: '', resource: 'pods' };
const secretKey = testKey('password', 'default', 'secrets');
const canary = 'c4n4ry-in-the-mine';

let folder = '';
let services: (NatsService | PostgresService)[] = [];
let old: NatsService;
let log: JetStreamLog;
const file = () => join(folder, 'backup');

async function run<Type extends ArchivistLine['type']>(
  task: (parts: TaskParts) => Promise<void>,
  wanted: Type,
  config: Partial<ArchivistConfig> = {},
): Promise<Extract<ArchivistLine, { type: Type }>> {
  const lines: ArchivistLine[] = [];
  const unset = { natsCaFile: undefined, natsCertFile: undefined, natsKeyFile: undefined, to: undefined };
  await task({
    config: {
      ...unset,
      task: '',
      file: file(),
      keysFile: `${file()}.keys`,
      clusterId: 'old',
      clusterKeyFile: join(folder, 'cluster.key'),
      full: false,
      notes: ['index=3'],
      natsUrl: [old.url],
      ...config,
    },
    say: (line) => lines.push(line),
    signal: new AbortController().signal,
  });
  const last = lines.at(-1);
  if (last?.type !== wanted) throw new Error(`${last?.type} instead of ${wanted}`);
  return last as Extract<ArchivistLine, { type: Type }>;
}

async function startService<T extends NatsService | PostgresService>(starting: Promise<T>): Promise<T> {
  const service = await starting;
  services.push(service);
  return service;
}

async function append(event: Partial<ObjectEvent> & Pick<ObjectEvent, 'key'>, ttlSeconds?: number): Promise<Revision> {
  const stream = streamOf(event.key);
  const subject = subjectOf(event.key);
  const parent = await log.lastRevisionOf(stream, subject);
  const payload = encodeObjectEvent({ ...testEvent({ key: event.key }), parent, ...event });
  const ttl = ttlSeconds === undefined ? {} : { ttlSeconds };
  const outcome = await log.append(stream, [{ subject, payload, ...ttl }]);
  if (outcome.outcome !== 'appended') throw new Error(outcome.outcome);
  return outcome.revisions[0]!;
}

async function appendSecret(): Promise<void> {
  const clusterKey = Buffer.from(readFileSync(join(folder, 'cluster.key'), 'utf8'), 'base64');
  const sealer = createSealer({ keyStore: log.keyStore, clusterKey, random: systemRandom });
  const plain = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'password' }, data: { password: canary } };
  const sealed = await sealer.seal(secretKey, 'uid-of-password', Buffer.from(JSON.stringify(plain)));
  await append({ key: secretKey, uid: 'uid-of-password', kind: 'Secret', ...sealed });
}

async function appendTransaction(names: readonly string[]): Promise<void> {
  const batch = names.map((name, index) => {
    const key = testKey(name);
    const transaction = { id: `all of ${names.length}`, index, count: names.length };
    return { subject: subjectOf(key), payload: encodeObjectEvent(testEvent({ key }, { transaction })) };
  });
  await log.append('objects', batch);
}

async function entriesOf(of: JetStreamLog, stream: StreamName): Promise<LogEntry[]> {
  const last = await of.lastRevision(stream);
  const entries: LogEntry[] = [];
  await new Promise<void>((resolve, reject) => {
    const follower = of.follow(stream, toRevision(1), {
      onEntries(portion) {
        entries.push(...portion);
        if (entries.at(-1)!.revision < last) return;
        follower.close();
        resolve();
      },
      onError: reject,
    });
  });
  return entries;
}

async function cacheOf(of: JetStreamLog): Promise<WatchCache> {
  const clusterKey = Buffer.from(readFileSync(join(folder, 'cluster.key'), 'utf8'), 'base64');
  const sealer = createSealer({ keyStore: of.keyStore, clusterKey, random: systemRandom });
  const cache = createWatchCache({ ...common, log: of, sealer });
  await cache.start();
  return cache;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'periplus-archivist-'));
  writeFileSync(join(folder, 'cluster.key'), `${Buffer.alloc(32, 7).toString('base64')}\n`);
  old = await startService(startNats());
  log = await connectJetStreamLog({ ...common, servers: [old.url], clusterId: 'old' });
  for (let index = 0; index < 120; index++) await append({ key: testKey(`p${index % 40}`) });
  await appendTransaction(['a', 'b', 'c']);
  await appendSecret();
  await append({ key: testKey('short', 'default', 'events') }, 2);
  await append({ key: testKey('long', 'default', 'events') }, 3_600);
  await append({ key: { ...testKey('l', 'default', 'leases'), group: 'coordination.k8s.io' } });
}, 60_000);
afterAll(async () => {
  await log.close();
  await Promise.all(services.map((service) => service.stop()));
  services = [];
  rmSync(folder, { recursive: true });
});

describe('back-up and restore over NATS', () => {
  let saved: SaveReport;
  let restored: RestoreReport;

  it('saves while others write, goes on later, and lets no Secret out', async () => {
    let stopped = false;
    const writer = (async () => {
      for (let index = 0; !stopped; index++) await append({ key: testKey(`w${index % 10}`) });
    })();
    const first = (await run(save, 'saved')).report;
    const again = (await run(save, 'saved')).report;
    stopped = true;
    await writer;
    await append({ key: testKey('p0'), verb: 'delete' });
    saved = (await run(save, 'saved')).report;
    expect(again).toMatchObject({ run: 2, from: first.revision });
    expect(saved).toMatchObject({ run: 3, keys: 1, unreadable: 0, torn: 0 });
    expect(saved.revision).toBe(await log.lastRevision('objects'));
    const bytes = readFileSync(file());
    expect(bytes.includes('secrets')).toBe(true);
    for (const text of [canary, Buffer.from(canary).toString('base64')]) expect(bytes.includes(text)).toBe(false);
    expect(bytes.includes(Buffer.alloc(32, 7))).toBe(false);
    for (const path of [file(), `${file()}.keys`]) expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('says what a file holds, and begins one anew when asked to', async () => {
    const { report }: { report: CheckReport } = await run(check, 'checked', { to: String(saved.revision - 1) });
    expect(report).toMatchObject({ clusterId: 'old', notes: { index: '3' }, runs: 3, torn: 0, inexact: [] });
    expect(report.cut.revision).toBe(saved.revision - 1);
    const other = join(folder, 'full');
    await run(save, 'saved', { file: other });
    expect((await run(save, 'saved', { file: other, full: true })).report.run).toBe(1);
  });

  it('is as good as before wherever a run is killed, and the next one goes on', async () => {
    const other = join(folder, 'killed');
    const before = (await run(save, 'saved', { file: other })).report;
    const content = { data: 'x'.repeat(8_000) };
    for (let portion = 0; portion < 4; portion++) {
      const batch = Array.from({ length: 100 }, (_, index) => {
        const key = testKey(`large-${portion}-${index}`);
        return { subject: subjectOf(key), payload: encodeObjectEvent(testEvent({ key, content })) };
      });
      await log.append('objects', batch);
    }
    const saving = run(save, 'saved', { file: other });
    let isOver = false;
    const over = saving.finally(() => (isOver = true));
    const copies: string[] = [];
    for (let size = before.size; !isOver; await new Promise(setImmediate)) {
      if (statSync(other).size === size) continue;
      size = statSync(other).size;
      const copy = join(folder, `killed-${copies.length}`);
      copyFileSync(other, copy);
      copies.push(copy);
    }
    const after = (await over).report;
    const torn: string[] = [];
    for (const copy of copies) {
      const { report } = await run(check, 'checked', { file: copy });
      if (report.runs === before.run)
        expect({ ...report.latest, isTorn: report.torn > 0 }).toMatchObject({
          revision: before.revision,
          isTorn: true,
        });
      if (report.torn > 0) torn.push(copy);
    }
    expect(torn.length).toBeGreaterThan(0);
    const again = (await run(save, 'saved', { file: torn.at(-1)! })).report;
    expect(again).toMatchObject({ run: 2, from: before.revision, revision: after.revision });
    expect(again.torn).toBeGreaterThan(0);
    expect((await run(check, 'checked', { file: torn.at(-1)! })).report).toMatchObject({ torn: 0, inexact: [] });
    saved = (await run(save, 'saved')).report;
  });

  it('gives a new log the same history, above all revisions of the old one', async () => {
    const nats = await startService(startNats());
    const config = { natsUrl: [nats.url], clusterId: 'new' };
    restored = (await run(restore, 'restored', config)).report;
    expect(restored).toMatchObject({ from: 'old', keys: 1, events: 1 });
    expect(restored.firstRevision).toBe(2_000_000_001);
    const target = await connectJetStreamLog({ ...common, servers: [nats.url] });
    try {
      const [before, after] = [await entriesOf(log, 'objects'), await entriesOf(target, 'objects')];
      expect(after[0]!.revision).toBe(2_000_000_000);
      expect(storyOf(after)).toEqual(storyOf(before));
      expect((await entriesOf(target, 'events')).map(({ subject }) => subject)).toEqual([
        'system.events.genesis',
        'events.core.events.default.long',
        'system.events.restore',
      ]);
      expect(await target.lastRevision('leases')).toBe(2_000_000_000);

      const cache = await cacheOf(target);
      expect(Buffer.from(cache.get(secretKey)!.storageJson).toString()).toContain(canary);
      const names = cache.list(pods).items.map(({ key }) => key.name);
      expect(names).toContain('a');
      expect(names).not.toContain('p0');
      // Who was here before the restore has to list again.
      const seen = toRevision(saved.revision);
      expect(cache.watch(pods, seen, () => undefined).outcome).toBe('tooOld');
      expect(cache.listAt(pods, seen).outcome).toBe('tooOld');
      cache.close();

      const postgres = await startService(startPostgres());
      const projector = createProjector({ ...common, log: target, postgresUrl: postgres.url });
      void projector.run();
      const view = createPostgresView({ postgresUrl: postgres.url, time: systemTime, catchUpLimitMs: 20_000 });
      const end = await target.lastRevision('objects');
      while ((await view.watermark('objects').catch(() => 0)) < end) await new Promise((wait) => setTimeout(wait, 50));
      expect(await view.changes(pods, seen, end)).toEqual({ outcome: 'purged' });
      expect(await view.listAt(pods, seen)).toEqual({ outcome: 'purged' });
      const index = before.findIndex(({ subject }) => subject === subjectOf(secretKey));
      const atSecret = await view.revisionAtTime('objects', before[index]!.timestampMs, end);
      const found = await view.objectAt(secretKey, atSecret);
      expect(found).toMatchObject({
        outcome: 'found',
        value: { event: { restored: { clusterId: 'old', revision: before[index]!.revision } } },
      });
      await projector.close();
      await view.close();
    } finally {
      await target.close();
    }
  }, 60_000);

  it('restores without keys too: Secrets are there, and their data is gone', async () => {
    const nats = await startService(startNats());
    const report = (
      await run(restore, 'restored', { natsUrl: [nats.url], keysFile: join(folder, 'none'), clusterId: 'new' })
    ).report;
    expect(report.keys).toBeUndefined();
    const target = await connectJetStreamLog({ ...common, servers: [nats.url], clusterId: 'new' });
    const cache = await cacheOf(target);
    expect(cache.get(secretKey)).toMatchObject({ unreadable: 'keyGone' });
    cache.close();
    await target.close();
    await expect(run(restore, 'restored', { natsUrl: [nats.url], clusterId: 'new' })).rejects.toMatchObject({
      code: 'LOG_NOT_EMPTY',
    });
  }, 60_000);
});
