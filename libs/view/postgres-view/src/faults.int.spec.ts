import { rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Revision, toRevision } from '@periplus/api/meta';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { createMemoryLog, type MemoryLog } from '@periplus/log/event-log/testing';
import { encodeObjectEvent, ensureGenesis, subjectOf } from '@periplus/log/object-events';
import { testEvent, testKey } from '@periplus/log/object-events/testing';
import { createLosingDisk, losingDiskProblem, type PostgresService, startPostgres } from '@periplus/testing/services';
import { connectPostgres, type Sql } from './connection.js';
import { createPostgresView, type PostgresView } from './postgres-view.js';
import { createProjector, type Projector } from './projector.js';

const pods = { group: '', resource: 'pods' };
const unavailable = { code: 'HISTORY_UNAVAILABLE' };

async function until(condition: () => boolean | Promise<boolean>, what: string, limitMs = 20_000): Promise<void> {
  const started = performance.now();
  while (!(await condition())) {
    if (performance.now() - started > limitMs) throw new Error(`${what}: not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

interface Fixture {
  readonly log: MemoryLog;
  readonly projector: Projector;
  readonly view: PostgresView;
  /** Appends to the log, which no trouble of Postgres keeps waiting. */
  write(bytes?: number): Promise<Revision>;
  /** Resolves when everything is there and read back. */
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
}

async function start(url: string): Promise<Fixture> {
  const log = createMemoryLog({ time: systemTime });
  await ensureGenesis(log, `cluster ${Math.random()}`, systemTime);
  const projector = createProjector({
    log,
    postgresUrl: url,
    time: systemTime,
    random: systemRandom,
    logger: silentLogger,
  });
  void projector.run();
  const view = createPostgresView({ postgresUrl: url, time: systemTime, catchUpLimitMs: 2_000, answerLimitMs: 2_000 });
  let count = 0;
  return {
    log,
    projector,
    view,
    async write(bytes = 10) {
      const key = testKey(`p${count++}`);
      const event = testEvent({ key, content: { data: Buffer.from(systemRandom.bytes(bytes)).toString('base64') } });
      const outcome = await log.append('objects', [{ subject: subjectOf(key), payload: encodeObjectEvent(event) }]);
      if (outcome.outcome !== 'appended') throw new Error(outcome.outcome);
      return outcome.revisions[0]!;
    },
    async caughtUp() {
      const last = await log.lastRevision('objects');
      await until(() => projector.position('objects') >= last, 'the projection', 40_000);
      await until(async () => (await view.watermark('objects').catch(() => 0)) >= last, 'the view', 40_000);
      const past = await view.listAt(pods, last);
      expect(past.outcome === 'found' && past.value.length).toBe(count);
    },
    async stop() {
      await view.close();
      await projector.close();
      await log.close();
    },
  };
}

/** A way to the server that can be slow, and that can stand still. */
async function startWay(url: string) {
  const host = new URL(url).searchParams.get('host') ?? '';
  const port = new URL(url).searchParams.get('port') ?? '5432';
  const state = { delayMs: 0, isStanding: false };
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect({ path: join(host, `.s.PGSQL.${port}`) });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      const wait = async (chunk: Buffer): Promise<void> => {
        if (from === far && state.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, state.delayMs));
        while (state.isStanding && !to.destroyed) await new Promise((resolve) => setTimeout(resolve, 20));
        if (!to.destroyed) to.write(chunk);
      };
      let last: Promise<void> = Promise.resolve();
      from.on('data', (chunk: Buffer) => (last = last.then(() => wait(chunk))));
      from.on('close', () => to.destroy());
      from.on('error', () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address() as { port: number };
  return {
    state,
    url: `postgres://periplus@127.0.0.1:${address.port}/periplus`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('trouble with Postgres', () => {
  let server: PostgresService;

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  const isOverSocket = (): boolean => new URL(server.url).searchParams.has('host');

  it('is slow: writes wait for nothing, and the projection follows in larger steps', async () => {
    if (!isOverSocket()) return;
    const way = await startWay(server.url);
    const fixture = await start(way.url);
    try {
      await fixture.caughtUp();
      way.state.delayMs = 100;
      for (let turn = 0; turn < 100; turn++) await fixture.write();
      await fixture.caughtUp();
    } finally {
      await fixture.stop();
      await way.stop();
    }
  }, 60_000);

  it('stands still: reads of the past say so within their limit, and it goes on where it was', async () => {
    if (!isOverSocket()) return;
    const way = await startWay(server.url);
    const fixture = await start(way.url);
    try {
      await fixture.write();
      await fixture.caughtUp();
      way.state.isStanding = true;
      await fixture.write();
      const asked = performance.now();
      await expect(fixture.view.listAt(pods, toRevision(2))).rejects.toMatchObject(unavailable);
      expect(performance.now() - asked).toBeLessThan(5_000);
      way.state.isStanding = false;
      await fixture.caughtUp();
    } finally {
      way.state.isStanding = false;
      await fixture.stop();
      await way.stop();
    }
  }, 60_000);

  it('has no connections left: history waits, and comes back by itself when there are some', async () => {
    const fixture = await start(server.url);
    const taken: Sql[] = [];
    try {
      await fixture.write();
      await fixture.caughtUp();
      const admin = connectPostgres({ url: server.url, connections: 1 });
      await admin`select 1`;
      // Whoever wants a connection from now on finds none.
      const takeAll = async (): Promise<void> => {
        for (let isTaken = true; isTaken; ) {
          const sql = connectPostgres({ url: server.url, connections: 1 });
          taken.push(sql);
          isTaken = await sql`select 1`.then(
            () => true,
            () => false,
          );
        }
      };
      await takeAll();
      await admin`
        select pg_terminate_backend(pid) from pg_stat_activity
        where pid <> pg_backend_pid() and query not like 'select %1'`;
      await takeAll();
      await fixture.write();
      await expect(fixture.view.watermark('objects')).rejects.toMatchObject(unavailable);
      for (const sql of [...taken.splice(0), admin]) await sql.end({ timeout: 0 });
      await fixture.caughtUp();
    } finally {
      for (const sql of taken) await sql.end({ timeout: 0 });
      await fixture.stop();
    }
  }, 60_000);
});

const problem = losingDiskProblem();
const describeWithDisk = problem === undefined ? describe : describe.skip;

describeWithDisk(`a full disk of Postgres${problem === undefined ? '' : ` (skipped: ${problem})`}`, () => {
  it('keeps nothing waiting but history, which comes back by itself', async () => {
    const disk = await createLosingDisk();
    const server = await startPostgres({ dataFolder: disk.folder });
    const fixture = await start(server.url);
    const isThere = async (): Promise<boolean> => {
      const sql = connectPostgres({ url: server.url, connections: 1 });
      try {
        await sql`select 1`;
        return true;
      } catch {
        return false;
      } finally {
        await sql.end({ timeout: 0 });
      }
    };
    try {
      await fixture.write();
      await fixture.caughtUp();
      const ballast = join(disk.folder, 'ballast');
      await writeFile(ballast, Buffer.alloc(512 * 1024 * 1024, 1)).catch((error: unknown) => {
        if ((error as { code?: unknown }).code !== 'ENOSPC') throw error;
      });
      let last = toRevision(0);
      for (let turn = 0; turn < 30; turn++) last = await fixture.write(20_000);
      await expect(fixture.view.listAt(pods, last)).rejects.toMatchObject(unavailable);
      await rm(ballast);
      // Without room for its own log the server ends; in a cluster the supervisor starts it again.
      if (!(await isThere())) await server.kill().then(() => server.restart());
      await fixture.caughtUp();
    } finally {
      await fixture.stop();
      await server.stop();
      await disk.remove();
    }
  }, 90_000);
});
