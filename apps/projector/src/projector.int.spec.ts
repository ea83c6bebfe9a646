import { toRevision } from '@periplus/api/meta';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { connectJetStreamLog, type JetStreamLog } from '@periplus/log/jetstream-log';
import { createSealer, encodeObjectEvent, subjectOf } from '@periplus/log/object-events';
import { testEvent, testKey } from '@periplus/log/object-events/testing';
import { type NatsService, type PostgresService, startNats, startPostgres } from '@periplus/testing/services';
import { createPostgresView, type PostgresView } from '@periplus/view/postgres-view';
import { createWatchCache } from '@periplus/view/watch-cache';
import { Registry } from 'prom-client';
import { createProjectorService, type ProjectorService } from './wiring.js';

const pods = { group: '', resource: 'pods' };
const common = { time: systemTime, random: systemRandom, logger: silentLogger };

async function until(condition: () => boolean | Promise<boolean>, what: string, limitMs = 20_000): Promise<void> {
  const started = performance.now();
  while (!(await condition())) {
    if (performance.now() - started > limitMs) throw new Error(`${what}: not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('the projector over NATS and Postgres', () => {
  let nats: NatsService;
  let postgres: PostgresService;
  let log: JetStreamLog;
  let view: PostgresView;
  let service: ProjectorService;
  let registry: Registry;

  async function startService(): Promise<void> {
    registry = new Registry();
    const config = {
      natsUrl: [nats.url],
      natsCaFile: undefined,
      natsCertFile: undefined,
      natsKeyFile: undefined,
      postgresUrl: postgres.url,
      historyAge: 86_400_000,
      historyEntries: 1_000,
      historyOverrides: [],
      compactInterval: 300_000,
    };
    const { signal } = new AbortController();
    service = await createProjectorService({ config, registry, logger: silentLogger, signal });
    void service.run();
  }

  beforeAll(async () => {
    [nats, postgres] = await Promise.all([startNats(), startPostgres()]);
    // Before there are streams: it waits for them.
    await startService();
    log = await connectJetStreamLog({ ...common, servers: [nats.url], clusterId: 'test' });
    view = createPostgresView({ postgresUrl: postgres.url, time: systemTime });
  });
  afterAll(async () => {
    await service.stop();
    await view.close();
    await log.close();
    await Promise.all([nats.stop(), postgres.stop()]);
  });

  async function write(name: string, verb: 'update' | 'delete' = 'update'): Promise<void> {
    const key = testKey(name);
    const payload = encodeObjectEvent(testEvent({ key }, { verb, requestId: `${name} ${Math.random()}` }));
    for (;;) {
      const outcome = await log.append('objects', [{ subject: subjectOf(key), payload }]).catch(() => undefined);
      if (outcome?.outcome === 'appended') return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  const isReached = async (): Promise<boolean> => {
    const last = await log.lastRevision('objects').catch(() => Number.POSITIVE_INFINITY);
    return (await view.watermark('objects').catch(() => 0)) >= last;
  };

  /** What the projection says, in its bytes. */
  async function projection(): Promise<string[]> {
    return (await view.current(pods)).map(
      (row) => `${row.revision} ${Buffer.from(encodeObjectEvent(row.event)).toString('hex')}`,
    );
  }

  it('ends where the log ends, also when NATS, Postgres and it itself are killed on the way', async () => {
    let stopped = false;
    let written = 0;
    const writer = (async () => {
      for (; !stopped; written++) await write(`p${written % 50}`, written % 7 === 6 ? 'delete' : 'update');
    })();
    const progress = async (): Promise<void> => {
      const goal = written + 50;
      await until(() => written >= goal, 'the writer');
    };
    await progress();
    await nats.kill();
    await nats.restart();
    await progress();
    await postgres.kill();
    await postgres.restart();
    await progress();
    await service.stop();
    await startService();
    await progress();
    stopped = true;
    await writer;
    await until(isReached, 'the projection');

    const sealer = createSealer({ keyStore: log.keyStore, clusterKey: new Uint8Array(32), random: systemRandom });
    const fromLog = createWatchCache({ ...common, log, sealer });
    const fromSnapshot = createWatchCache({ ...common, log, sealer, snapshots: view });
    await Promise.all([fromLog.start(), fromSnapshot.start()]);
    const statesOf = (cache: typeof fromLog): string[] =>
      cache.list(pods).items.map((item) => Buffer.from(item.storageJson).toString());
    expect(statesOf(fromSnapshot)).toEqual(statesOf(fromLog));
    expect(fromSnapshot.getAt(testKey('p0'), toRevision(2)).outcome).toBe('tooOld');
    expect((await view.current(pods)).map((row) => row.revision)).toEqual(
      fromLog.list(pods).items.map((item) => item.revision),
    );
    fromLog.close();
    fromSnapshot.close();
  }, 90_000);

  it('builds the same again from the log', async () => {
    await until(isReached, 'the projection');
    const before = await projection();
    expect(before.length).toBeGreaterThan(10);
    const pinned = await view.listAt(pods, toRevision(100));
    const { default: connect } = await import('postgres');
    const address = new URL(postgres.url);
    const sql = connect({
      host: address.searchParams.get('host') ?? address.hostname,
      port: Number(address.searchParams.get('port') ?? address.port),
      user: address.searchParams.get('user') ?? address.username,
      database: 'postgres',
      max: 1,
    });
    await sql.unsafe('drop database periplus with (force)');
    await sql.end();
    await until(async () => (await projection().catch(() => [])).join() === before.join(), 'the same projection');
    expect(await view.listAt(pods, toRevision(100))).toEqual(pinned);
  }, 60_000);

  it('says where it is and whether it is ready', async () => {
    await until(isReached, 'the projection');
    const last = await log.lastRevision('objects');
    const metrics = await registry.metrics();
    expect(metrics).toContain(`periplus_projector_revision{stream="objects"} ${last}`);
    expect(metrics).toContain(`periplus_log_revision{stream="objects"} ${last}`);
    expect(metrics).toContain('periplus_projector_quarantined_entries 0');
    for (const check of Object.values(service.checks)) expect(check).not.toThrow();
  });
});
