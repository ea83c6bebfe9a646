import { type ObjectKey, type Revision, toRevision } from '@periplus/api/meta';
import { createSeededRandom, systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import type { Append } from '@periplus/log/event-log';
import { createMemoryLog, type MemoryLog } from '@periplus/log/event-log/testing';
import {
  decodeObjectEvent,
  encodeObjectEvent,
  ensureGenesis,
  type ObjectEvent,
  streamOf,
  subjectOf,
} from '@periplus/log/object-events';
import { testEvent, testKey, type TestObject } from '@periplus/log/object-events/testing';
import { type PostgresService, startPostgres } from '@periplus/testing/services';
import { connectPostgres } from './connection.js';
import { createPostgresView, type PostgresView } from './postgres-view.js';
import { createProjector, type Projector } from './projector.js';
import { schemaName } from './schema.js';
import type { StoredEvent } from './stored-event.js';

const pods = { group: '', resource: 'pods' };
const requests = { ageMs: 60_000, max: 3 };

async function until(condition: () => boolean | Promise<boolean>, what: string, limitMs = 15_000): Promise<void> {
  const started = performance.now();
  while (!(await condition())) {
    if (performance.now() - started > limitMs) throw new Error(`${what}: not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function append(object: TestObject, event: Partial<ObjectEvent> = {}): Append {
  return { subject: subjectOf(object.key), payload: encodeObjectEvent(testEvent(object, event)) };
}

describe('the projection in Postgres', () => {
  let server: PostgresService;
  let log: MemoryLog;
  let projector: Projector;
  let view: PostgresView;

  function startProjector(): Projector {
    const started = createProjector({
      log,
      postgresUrl: server.url,
      time: systemTime,
      random: systemRandom,
      logger: silentLogger,
    });
    void started.run();
    return started;
  }

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  beforeEach(async () => {
    const sql = connectPostgres({ url: server.url, connections: 1 });
    await sql.unsafe(`drop schema if exists ${schemaName} cascade`);
    await sql.end();
    log = createMemoryLog({ time: systemTime });
    await ensureGenesis(log, `cluster ${Math.random()}`, systemTime);
    projector = startProjector();
    view = createPostgresView({ postgresUrl: server.url, time: systemTime, catchUpLimitMs: 3_000 });
  });
  afterEach(async () => {
    await view.close();
    await projector.close();
    await log.close();
  });

  async function appendAll(...batch: Append[]): Promise<Revision> {
    const stream = batch[0]!.subject.split('.')[0] as 'objects';
    const outcome = await log.append(stream, batch);
    if (outcome.outcome !== 'appended') throw new Error(outcome.outcome);
    return outcome.revisions[batch.length - 1]!;
  }

  const write = (object: TestObject, event?: Partial<ObjectEvent>): Promise<Revision> =>
    appendAll(append(object, event));

  async function reached(revision?: Revision): Promise<void> {
    const last = revision ?? (await log.lastRevision('objects'));
    await until(async () => (await view.watermark('objects').catch(() => -1)) >= last, 'the projection');
  }

  const show = (entry: StoredEvent): string => `${entry.revision} ${entry.event.key.namespace}/${entry.event.key.name}`;

  async function listAt(revision: Revision, namespace?: string): Promise<string[]> {
    const past = await view.listAt(pods, revision, { namespace });
    return past.outcome === 'found' ? past.value.map(show) : [past.outcome];
  }

  /** Everything the tables hold, as text. */
  async function dump(): Promise<string> {
    const sql = connectPostgres({ url: server.url, connections: 1, schema: schemaName });
    const tables = ['history', 'latest', 'quarantine', 'floor'];
    try {
      const rows = await Promise.all([
        sql`select (stream, revision, appended_ms, cluster_id)::text as row from watermark order by stream`,
        ...tables.map((table) => sql`select t::text as row from ${sql(table)} t order by t::text`),
      ]);
      return JSON.stringify(rows.map((table) => table.map((row) => row.row as string)));
    } finally {
      // Asked again and again while the tables are away, each connection left open would take one from the projector.
      await sql.end({ timeout: 1 });
    }
  }

  it('is built anew of a log that lost its end and gave the revisions to others', async () => {
    await write({ key: testKey('kept') });
    await write({ key: testKey('lost') });
    await reached();
    await projector.close();
    const [genesis, kept] = log.retained('objects');
    const decoded = decodeObjectEvent(genesis!.payload);
    const system = decoded.outcome === 'event' ? decoded.event.system : undefined;
    await log.close();
    log = createMemoryLog({ time: systemTime });
    await ensureGenesis(log, system?.type === 'genesis' ? system.clusterId : '', systemTime);
    await appendAll({ subject: kept!.subject, payload: kept!.payload });
    for (const name of ['b', 'c']) await write({ key: testKey(name) });
    projector = startProjector();
    await until(async () => (await view.current(pods).catch(() => [])).length === 3, 'the new projection');
    expect((await view.current(pods)).map(show)).toEqual(['3 default/b', '4 default/c', '2 default/kept']);
  });

  it('is built once the log has begun, and is then of its cluster', async () => {
    await projector.close();
    await log.close();
    log = createMemoryLog({ time: systemTime });
    projector = startProjector();
    await until(() => projector.state === 'starting', 'the start');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(projector.state).toBe('starting');
    await ensureGenesis(log, 'late', systemTime);
    await reached();
    expect(await view.load('objects', () => undefined, requests)).toMatchObject({ clusterId: 'late' });
  });

  it('has nothing to load, and says so, while it is not built yet', async () => {
    await projector.close();
    const sql = connectPostgres({ url: server.url, connections: 1 });
    await sql.unsafe(`drop schema if exists ${schemaName} cascade`);
    await sql.end();
    expect(await view.load('objects', () => undefined, requests)).toBeUndefined();
  });

  it('has current objects in the order of the API, with the bytes of the log', async () => {
    const big = `${'x'.repeat(100_000)} \u0000 ü 😀 "quoted" \\`;
    await write({ key: testKey('b', 'b') });
    await write({ key: testKey('a', 'a-b') });
    await write({ key: testKey('old', 'a') });
    await write({ key: testKey('c', 'a'), content: { data: big } });
    await write({ key: testKey('old', 'a') }, { verb: 'delete' });
    await reached();
    const current = await view.current(pods);
    expect(current.map(show)).toEqual(['3 a-b/a', '5 a/c', '2 b/b']);
    expect(JSON.parse(Buffer.from(current[1]!.event.object).toString())).toMatchObject({ data: big });
    expect((await view.current(pods, { namespace: 'a' })).map(show)).toEqual(['5 a/c']);
    expect((await view.current(pods, { limit: 1, after: { namespace: 'a-b', name: 'a' } })).map(show)).toEqual([
      '5 a/c',
    ]);
    expect(await view.current({ group: 'apps', resource: 'pods' })).toEqual([]);
  });

  it('answers at every revision as the log was then', async () => {
    const random = createSeededRandom(7);
    const state = new Map<string, string>();
    const states = new Map<Revision, string[]>();
    for (let step = 0; step < 60; step++) {
      const key = testKey(`p${Math.floor(random.next() * 8)}`, `n${Math.floor(random.next() * 2)}`);
      const verb = random.next() < 0.3 ? 'delete' : 'update';
      const revision = await write({ key }, { verb });
      const name = `${key.namespace}/${key.name}`;
      if (verb === 'delete') state.delete(name);
      else state.set(name, `${revision} ${name}`);
      states.set(
        revision,
        [...state.keys()].sort().map((one) => state.get(one)!),
      );
    }
    await reached();
    for (const [revision, expected] of states) {
      expect(await listAt(revision)).toEqual(expected);
      expect(await listAt(revision, 'n1')).toEqual(expected.filter((line) => line.includes(' n1/')));
    }
    const lines = [...states.values()].at(-1)!;
    for (const name of ['p0', 'p1']) {
      const past = await view.objectAt(testKey(name, 'n0'), await log.lastRevision('objects'));
      const expected = lines.find((line) => line.endsWith(` n0/${name}`));
      expect(past.outcome === 'found' && past.value ? show(past.value) : undefined).toBe(expected);
    }
  });

  it('shows transactions whole or not at all', async () => {
    const part = (index: number): Append =>
      append({ key: testKey(`t${index}`) }, { transaction: { id: 'tx', index, count: 3 } });
    await appendAll(part(0), part(1));
    await write({ key: testKey('x', '', 'nodes') }).catch(() => undefined);
    await appendAll(part(0), part(1), part(2));
    await reached();
    expect(await listAt(toRevision(6))).toEqual(['2 default/t0', '3 default/t1']);
    expect(await listAt(toRevision(7))).toEqual(['5 default/t0', '6 default/t1', '7 default/t2']);
  });

  it('gives the changes between two revisions with the states before', async () => {
    await write({ key: testKey('a') });
    await write({ key: testKey('a') });
    await write({ key: testKey('other', '', 'nodes') });
    await write({ key: testKey('a') }, { verb: 'delete' });
    await write({ key: testKey('a') }, { verb: 'delete' });
    const end = await write({ key: testKey('a') });
    await reached();
    const changes = await view.changes(pods, toRevision(2), end);
    const lines = changes.outcome === 'found' && changes.value.map((c) => [c.entry.revision, c.previous?.revision]);
    expect(lines).toEqual([
      [3, 2],
      [5, 3],
      [7, undefined],
    ]);
  });

  it('keeps the history of an object, also after it is gone, and finds what a request wrote', async () => {
    const key: ObjectKey = testKey('a.b:c d');
    await write({ key }, { verb: 'create', requestId: 'r1' });
    await write({ key }, { requestId: 'r2', actor: { user: 'nul\u0000user', groups: [], userAgent: '' } });
    await write({ key }, { verb: 'delete' });
    await reached();
    const history = await view.history(key, 10);
    expect(history.map((entry) => `${entry.revision} ${entry.event.verb}`)).toEqual([
      '4 delete',
      '3 update',
      '2 create',
    ]);
    expect(history[1]!.event.actor.user).toBe('nul\u0000user');
    expect((await view.history(key, 1)).map((entry) => entry.revision)).toEqual([4]);
    expect((await view.writtenBy('r2'))?.revision).toBe(3);
    expect(await view.writtenBy('never')).toBeUndefined();
  });

  it('knows the revision of a time', async () => {
    const before = Date.now() - 1;
    const revision = await write({ key: testKey('a') });
    await reached();
    expect(await view.revisionAtTime('objects', Date.now() + 1_000, revision)).toBe(revision);
    expect(await view.revisionAtTime('objects', before - 60_000, revision)).toBe(0);
  });

  it('loads a snapshot of the last entries with its position', async () => {
    for (let index = 0; index < 1_100; index += 100)
      await appendAll(...Array.from({ length: 100 }, (_, more) => append({ key: testKey(`p${index + more}`) })));
    await write({ key: testKey('p0') }, { verb: 'delete' });
    for (const requestId of ['a', 'b', '', 'c', 'd']) await write({ key: testKey('p1') }, { requestId });
    await reached();
    const rows: StoredEvent[] = [];
    const position = await view.load('objects', (portion) => void rows.push(...portion), requests);
    expect(position).toMatchObject({
      revision: await log.lastRevision('objects'),
      requests: ['b', 'c', 'd'].map((requestId) => ({ requestId })),
    });
    expect(position!.clusterId).toMatch(/^cluster 0\./);
    expect(rows).toHaveLength(1_101);
    expect(rows.find((row) => row.event.key.name === 'p0')?.event.verb).toBe('delete');
    expect(rows.filter((row) => row.event.verb === 'system').map((row) => row.subject)).toEqual([
      'system.objects.genesis',
    ]);
  });

  it('sets poison aside and goes on', async () => {
    const key = testKey('a');
    await appendAll({ subject: subjectOf(key), payload: Buffer.from('nonsense') });
    await write({ key: testKey('b') });
    await reached();
    expect((await view.current(pods)).map(show)).toEqual(['3 default/b']);
    expect(projector.quarantined).toBe(1);
    const sql = connectPostgres({ url: server.url, connections: 1, schema: schemaName });
    expect(await sql`select revision, subject from quarantine`).toEqual([{ revision: 2, subject: subjectOf(key) }]);
    await sql.end();
    const damaged = async () => (await view.load('objects', () => undefined, requests))!.damaged;
    expect(await damaged()).toEqual([{ subject: subjectOf(key), revision: 2 }]);
    await write({ key });
    await reached();
    expect(await damaged()).toEqual([]);
  });

  it('keeps of leases and Events what the log keeps', async () => {
    const lease = testKey('l', 'kube-system', 'leases', 'coordination.k8s.io');
    const event = testKey('e', 'default', 'events');
    for (let turn = 0; turn < 3; turn++) await log.append(streamOf(lease), [append({ key: lease })]);
    await log.append('events', [{ ...append({ key: event }), ttlSeconds: 1 }]);
    await until(async () => (await view.watermark('leases').catch(() => 0)) === 4, 'the leases');
    expect((await view.history(lease, 10)).map((entry) => entry.revision)).toEqual([4]);
    expect((await view.objectAt(lease, toRevision(3))).outcome).toBe('purged');
    expect((await view.listAt(lease, toRevision(3))).outcome).toBe('purged');
    expect(await view.listAt(lease, toRevision(4))).toMatchObject({ value: [{ revision: 4 }] });
    expect(await view.changes(lease, toRevision(4), toRevision(4))).toEqual({ outcome: 'found', value: [] });
    await until(async () => (await view.watermark('events')) === 3, 'the expiry');
    expect([await view.current(event), await view.history(event, 10)]).toEqual([[], []]);
    expect((await view.objectAt(event, toRevision(2))).outcome).toBe('purged');
    expect((await view.changes(event, toRevision(2), toRevision(3))).outcome).toBe('purged');
    expect(await view.objectAt(event, toRevision(3))).toEqual({ outcome: 'found', value: undefined });
  });

  it('lets people query objects and their history in SQL', async () => {
    await write({ key: testKey('a'), content: { spec: { replicas: 3 } } }, { verb: 'create' });
    await write({ key: testKey('a'), content: { spec: { replicas: 5 } } });
    await reached();
    const sql = connectPostgres({ url: server.url, connections: 1, schema: schemaName });
    const current = await sql`select name, object->'spec'->>'replicas' as replicas from objects where kind = 'Pod'`;
    expect(current).toEqual([{ name: 'a', replicas: '5' }]);
    const history =
      await sql`select verb, actor, object->'spec'->>'replicas' as replicas from object_history order by revision`;
    expect(history).toEqual([
      { verb: 'create', actor: 'tester', replicas: '3' },
      { verb: 'update', actor: 'tester', replicas: '5' },
    ]);
    await sql.end();
  });

  const disasters: [string, () => Promise<void>][] = [
    [
      'the schema is dropped',
      async () => {
        const sql = connectPostgres({ url: server.url, connections: 1 });
        await sql.unsafe(`drop schema ${schemaName} cascade`);
        await sql.end();
      },
    ],
    [
      'the database is dropped',
      async () => {
        const sql = connectPostgres({ url: server.url, connections: 1, database: 'postgres' });
        await sql.unsafe('drop database periplus with (force)');
        await sql.end();
      },
    ],
    [
      'Postgres is killed',
      async () => {
        await server.kill();
        await server.restart();
      },
    ],
  ];

  it.each(disasters)(
    'is the same again after %s',
    async (_name, disaster) => {
      for (let index = 0; index < 50; index++)
        await write({ key: testKey(`p${index % 7}`) }, { verb: index % 5 === 4 ? 'delete' : 'update' });
      await reached();
      const [before, list] = [await dump(), await listAt(toRevision(30))];
      await disaster();
      await until(async () => (await dump().catch(() => '')) === before, 'the same tables', 60_000);
      await until(() => projector.state === 'following', 'the projector');
      expect(await listAt(toRevision(30))).toEqual(list);
      const revision = await write({ key: testKey('after') });
      await reached(revision);
      expect((await view.current(pods)).map(show)).toContain(`${revision} default/after`);
    },
    90_000,
  );

  it('has one projector work while the other stands by, and takes over', async () => {
    await write({ key: testKey('a') });
    await reached();
    const second = startProjector();
    await until(() => second.state === 'standby', 'the second to stand by');
    await projector.close();
    const revision = await write({ key: testKey('b') });
    await until(() => second.position('objects') === revision, 'the second to take over');
    await second.close();
  });

  it('is built anew for another log', async () => {
    await write({ key: testKey('a') });
    await reached();
    await projector.close();
    log = createMemoryLog({ time: systemTime });
    await ensureGenesis(log, 'another', systemTime);
    projector = startProjector();
    await until(() => projector.position('objects') === 1, 'the projection of the other log');
    expect(await view.current(pods)).toEqual([]);
  });

  it('says so when it is behind or away, within its limits', async () => {
    const unavailable = { code: 'HISTORY_UNAVAILABLE' };
    await reached();
    const started = performance.now();
    await expect(view.listAt(pods, toRevision(99))).rejects.toMatchObject(unavailable);
    expect(performance.now() - started).toBeGreaterThan(2_900);
    await server.kill();
    await expect(view.current(pods)).rejects.toMatchObject(unavailable);
    await server.restart();
    await until(async () => (await view.watermark('objects').catch(() => 0)) > 0, 'the return');
  });
});
