import { type ObjectKey, type Revision, toRevision } from '@periplus/api/meta';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import type { Append } from '@periplus/log/event-log';
import { connectJetStreamLog, type JetStreamLog } from '@periplus/log/jetstream-log';
import {
  createSealer,
  encodeObjectEvent,
  type ObjectEvent,
  objectRangeOf,
  type Sealer,
  streamOf,
  subjectOf,
} from '@periplus/log/object-events';
import { testEvent, testKey } from '@periplus/log/object-events/testing';
import { type NatsService, type PostgresService, startNats, startPostgres } from '@periplus/testing/services';
import { createProjector, type Projector, schemaName } from '@periplus/view/postgres-view';
import { canonicalHashOf } from '@periplus/view/verification';
import { createWatchCache, type WatchCache } from '@periplus/view/watch-cache';
import postgres from 'postgres';
import type { ApiserverClient, ListedObject } from './apiserver-lists.js';
import { verifyCluster } from './verify-cluster.js';

const common = { time: systemTime, random: systemRandom, logger: silentLogger };
const configMap = (name: string): ObjectKey => testKey(name, 'default', 'configmaps');
const secret = testKey('s', 'default', 'secrets');
const lease = testKey('l', 'kube-system', 'leases', 'coordination.k8s.io');
const event = testKey('e', 'default', 'events');

describe('the verifier over NATS and Postgres', () => {
  let nats: NatsService;
  let database: PostgresService;
  let log: JetStreamLog;
  let projector: Projector;
  let sealer: Sealer;
  let cache: WatchCache;
  let sql: postgres.Sql;

  beforeAll(async () => {
    [nats, database] = await Promise.all([startNats(), startPostgres()]);
  });
  afterAll(() => Promise.all([nats.stop(), database.stop()]));

  const make = (key: ObjectKey, parent: number, more: Partial<ObjectEvent> = {}): Append => ({
    subject: subjectOf(key),
    payload: encodeObjectEvent(
      testEvent({ key, content: { kind: 'ConfigMap' } }, { parent: toRevision(parent), kind: 'ConfigMap', ...more }),
    ),
  });

  async function append(...batch: Append[]): Promise<Revision> {
    const stream = batch[0]!.subject.split('.')[0] as 'objects' | 'leases' | 'events';
    const outcome = await log.append(stream, batch);
    if (outcome.outcome !== 'appended') throw new Error(outcome.outcome);
    return outcome.revisions.at(-1)!;
  }

  /** An apiserver of which only the cache is there; `change` is what it makes of a listed object. */
  const serverOf = (
    change: (object: ListedObject) => ListedObject | undefined = (object) => object,
  ): ApiserverClient => ({
    address: 'https://cache',
    async list({ group, resource, apiVersion }, at) {
      if (at !== undefined) await cache.waitFor(streamOf({ group, resource }), toRevision(at), 5_000);
      return cache.list({ group, resource }).items.flatMap((item) => {
        const { namespace, name } = item.key;
        const hash = canonicalHashOf(item.object() as never);
        return change({ namespace, name, revision: item.revision, apiVersion, hash }) ?? [];
      });
    },
    position: (stream) => Promise.resolve(cache.appliedRevision(stream)),
    close: () => undefined,
  });

  const verify = (apiserver = serverOf()) =>
    verifyCluster({ log, postgresUrl: database.url, sealer, apiservers: [apiserver], onLine: () => undefined });

  async function found(apiserver?: ApiserverClient): Promise<string[]> {
    const { findings } = await verify(apiserver);
    return findings.map(({ where, stream, revision, subject, what }) =>
      [where, stream, revision, subject.split('.').at(-1), what].join(' '),
    );
  }

  /** A new log, which the projection is built of anew, with some of everything in it. */
  async function startOver(): Promise<void> {
    await projector?.close();
    cache?.close();
    await sql?.end();
    await log?.close();
    await nats.stop();
    nats = await startNats();
    log = await connectJetStreamLog({ ...common, servers: [nats.url], clusterId: `cluster ${Math.random()}` });
    sealer = createSealer({ keyStore: log.keyStore, clusterKey: new Uint8Array(32), random: systemRandom });
    projector = createProjector({ ...common, log, postgresUrl: database.url });
    void projector.run();
    cache = createWatchCache({ ...common, log, sealer });
    await cache.start();
    const { hostname, port, pathname, username, searchParams } = new URL(database.url.replace('///', '//localhost/'));
    sql = postgres({
      host: searchParams.get('host') ?? hostname,
      port: Number(searchParams.get('port') ?? port),
      user: searchParams.get('user') ?? username,
      database: pathname.slice(1),
      max: 1,
      connection: { search_path: schemaName },
      onnotice: () => undefined,
    });
    await append(make(configMap('a'), 0));
    await append(make(configMap('b'), 0));
    await append(make(configMap('a'), 2));
    const plain = testEvent(
      { key: secret, content: { kind: 'Secret', data: { p: 'aHVudGVyMg==' } } },
      { kind: 'Secret' },
    );
    const sealed = await sealer.seal(secret, plain.uid, plain.object);
    await append({ subject: subjectOf(secret), payload: encodeObjectEvent({ ...plain, ...sealed }) });
    await append(make(configMap('c'), 0));
    await append(make(configMap('c'), 6, { verb: 'delete' }));
    await append(
      make(configMap('t0'), 0, { transaction: { id: 't', index: 0, count: 2 } }),
      make(configMap('t1'), 0, { transaction: { id: 't', index: 1, count: 2 } }),
    );
    await append(make(lease, 0));
    await append(make(lease, 2));
    await append({ ...make(event, 0), ttlSeconds: 3_600 });
    const deadline = Date.now() + 20_000;
    while (projector.position('objects') < 9 || projector.position('leases') < 3 || projector.position('events') < 2) {
      if (Date.now() > deadline) throw new Error('the projection does not get there');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  beforeEach(startOver, 60_000);
  afterAll(async () => {
    await projector.close();
    cache.close();
    await sql.end();
    await log.close();
  });

  it('finds nothing where all agrees', async () => {
    const report = await verify();
    expect(report).toMatchObject({ findings: [], found: 0, skipped: [] });
    expect(report.streams).toEqual([
      // Genesis, eight entries; seven subjects have a last one.
      { stream: 'objects', revision: 9, entries: 9, objects: 5, opened: 1, rows: 16, listed: { 'https://cache': 5 } },
      { stream: 'leases', revision: 3, entries: 2, objects: 1, opened: 0, rows: 4, listed: { 'https://cache': 1 } },
      { stream: 'events', revision: 2, entries: 2, objects: 1, opened: 0, rows: 4, listed: { 'https://cache': 1 } },
    ]);
  });

  it('names a flipped bit of the log and a corrupt row of Postgres', async () => {
    const broken = make(configMap('b'), 3);
    const payload = Uint8Array.from(broken.payload);
    payload[objectRangeOf(payload)!.start + 9]! ^= 0x10;
    const revision = await append({ subject: broken.subject, payload });
    await sql`update history set entry = set_byte(entry, 40, get_byte(entry, 40) # 1) where stream = 'objects' and revision = 4`;
    await sql`update history set verb = 'create', actor = 'nobody' where stream = 'objects' and revision = 6`;
    await sql`update latest set revision = 2 where subject = ${subjectOf(configMap('a'))}`;
    await sql`delete from latest where subject = ${subjectOf(configMap('t1'))}`;
    await sql`delete from history where stream = 'objects' and revision = 3`;
    expect(await found()).toEqual([
      `log objects ${revision} b the checksum of the envelope does not match`,
      'postgres objects 3 b lacks this entry',
      'postgres objects 4 a has another entry than the log',
      'postgres objects 6 c has another verb, actor than the log',
      'postgres objects 4 a has 2 as the last entry of this subject',
      'postgres objects 9 t1 does not have this as the last entry of its subject',
    ]);
  });

  it('names entries whose parents are not the ones before', async () => {
    const fork = await append(make(configMap('a'), 2));
    const orphan = await append(make(configMap('z'), 1));
    expect(await found()).toEqual([
      `log objects ${fork} a names parent 2, not 4`,
      `log objects ${orphan} z its parent 1 is missing`,
    ]);
  });

  it('names what Postgres has and the log has lost', async () => {
    const last = await append(make(configMap('b'), 3));
    await cache.waitFor('objects', last, 5_000);
    // As a damaged block of the log's files would: the entry is gone, and no floor says so.
    await log.purge('objects', subjectOf(configMap('b')), toRevision(last + 1));
    expect(await found()).toEqual([
      'log objects 3  this entry is missing',
      `log objects ${last}  this entry is missing`,
      'postgres objects 3 b has an entry that the log does not have',
      `postgres objects ${last} b has an entry that the log does not have`,
      `postgres objects ${last} b has this as the last entry of its subject, of which the log has nothing`,
      `apiserver https://cache objects ${last} b lists this object, which the log does not have`,
    ]);
  });

  it('names what a cache shows wrong', async () => {
    const wrong = (object: ListedObject): ListedObject | undefined => {
      if (object.name === 'a') return { ...object, hash: 'f'.repeat(32) };
      if (object.name === 'b') return { ...object, revision: 2 };
      return object.name === 't0' ? undefined : object;
    };
    expect(await found(serverOf(wrong))).toEqual([
      'apiserver https://cache objects 4 a lists other content of this object than the log has',
      'apiserver https://cache objects 3 b lists this object at 2',
      'apiserver https://cache objects 8 t0 does not list this object',
    ]);
  });

  it('names who has more than the log, which lost it', async () => {
    const ahead: ApiserverClient = {
      ...serverOf(),
      position: (stream) => Promise.resolve(stream === 'objects' ? 99 : 1),
    };
    expect(await found(ahead)).toEqual([
      "apiserver https://cache objects 9  is at 99, beyond the log's end: that lost entries",
    ]);
    await projector.close();
    await sql`create temp table copy as select * from history where stream = 'objects' and revision = 9`;
    await sql`update copy set revision = 10`;
    await sql`insert into history select * from copy`;
    await sql`update watermark set revision = 10 where stream = 'objects'`;
    expect(await found()).toEqual([
      "postgres objects 9  is at 10, beyond the log's end: the log lost entries",
      "postgres objects 10 t1 has an entry beyond the log's end",
    ]);
  });

  it('names an object whose key is gone', async () => {
    await sealer.destroy(testEvent({ key: secret }).uid);
    expect(await found()).toEqual(['keys objects 5 s the key of this object is gone, though the object is there']);
  });

  it('verifies the log and the caches when Postgres is away, and says so', async () => {
    const postgresUrl = 'postgres://nobody@127.0.0.1:1/none';
    const report = await verifyCluster({ log, postgresUrl, sealer, apiservers: [serverOf()], onLine: () => undefined });
    expect(report).toMatchObject({
      findings: [],
      skipped: [expect.stringMatching(/^the tables: Postgres can not be asked/)],
    });
    expect(report.streams[0]).toMatchObject({ entries: 9, objects: 5, listed: { 'https://cache': 5 } });
  });
});
