import { createHash } from 'node:crypto';
import { type ObjectKey, type Revision, toRevision } from '@periplus/api/meta';
import { createSeededRandom, type Random, systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import type { Append, EventLog } from '@periplus/log/event-log';
import { createMemoryLog, type MemoryLog } from '@periplus/log/event-log/testing';
import {
  createSealer,
  encodeObjectEvent,
  ensureGenesis,
  type ObjectEvent,
  subjectOf,
} from '@periplus/log/object-events';
import { createMemoryKeyStore, testEvent, testKey } from '@periplus/log/object-events/testing';
import { type PostgresService, startPostgres } from '@periplus/testing/services';
import { type CompactionSource, type Compactor, createCompactor, type RetentionRule } from '@periplus/view/retention';
import { connectPostgres, type Sql } from './connection.js';
import { createPostgresView, type PostgresView } from './postgres-view.js';
import { createProjector, type Projector } from './projector.js';
import { schemaName } from './schema.js';

const pods = { group: '', resource: 'pods' };

async function until(condition: () => boolean | Promise<boolean>, what: string, limitMs = 15_000): Promise<void> {
  const started = performance.now();
  while (!(await condition())) {
    if (performance.now() - started > limitMs) throw new Error(`${what}: not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function append(key: ObjectKey, event: Partial<ObjectEvent> = {}): Append {
  return { subject: subjectOf(key), payload: encodeObjectEvent(testEvent({ key }, event)) };
}

interface Write {
  readonly revision: number;
  /** The end of its transaction. */
  readonly commit: number;
  readonly name: string;
  readonly verb: string;
}
type Model = readonly Write[];
const names = ['p0', 'p1', 'p2', 'p3', 'p4'];

/** What a step may be killed before. */
const killedAt = ['append', 'purge', 'delete', 'forget'] as const;
type KillPoint = (typeof killedAt)[number];

describe('compaction over Postgres', () => {
  let server: PostgresService;
  let log: MemoryLog;
  let projector: Projector;
  let view: PostgresView;
  let source: CompactionSource | undefined;
  const keyStore = createMemoryKeyStore();
  /** Counts down to the call that is not carried out. */
  let kill: { readonly at: KillPoint; in: number } | undefined;

  function passes(point: KillPoint): void {
    if (kill?.at === point && kill.in-- === 0) throw new Error(`killed before ${point}`);
  }

  function startProjector(): Projector {
    const started = createProjector({
      log,
      postgresUrl: server.url,
      time: systemTime,
      random: systemRandom,
      logger: silentLogger,
      compact(given, signal) {
        source = given;
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
      },
    });
    void started.run();
    return started;
  }

  function compactorOf(rule: Partial<RetentionRule>): Compactor {
    const mortal: EventLog = {
      ...log,
      async append(stream, batch) {
        passes('append');
        return log.append(stream, batch);
      },
      async purge(stream, subject, below) {
        passes('purge');
        return log.purge(stream, subject, below);
      },
    };
    return createCompactor({
      log: mortal,
      keyStore: {
        ...keyStore,
        async delete(keyId) {
          passes('delete');
          await keyStore.delete(keyId);
        },
      },
      policy: { rule: { ageMs: 0, entriesMax: 1_000, ...rule }, overrides: new Map() },
      time: systemTime,
      random: systemRandom,
      logger: silentLogger,
      graceMs: 0,
      portion: 7,
      orphanAgeMs: 0,
    });
  }

  /** Passes until nothing is left of what ended at or before `untilMs`. */
  async function compact(compactor: Compactor, untilMs = Date.now()): Promise<void> {
    await reached();
    await until(() => source !== undefined, 'the compaction to begin');
    const given: CompactionSource = {
      ...source!,
      latestMs: () => Promise.resolve(untilMs),
      async forget(stream, ends) {
        passes('forget');
        await source!.forget(stream, ends);
      },
    };
    while ((await compactor.pass(given)) === 'more');
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
    source = undefined;
    kill = undefined;
    projector = startProjector();
    view = createPostgresView({ postgresUrl: server.url, time: systemTime, catchUpLimitMs: 3_000 });
  });
  afterEach(async () => {
    await view.close();
    await projector.close();
    await log.close();
  });

  async function appendAll(...batch: Append[]): Promise<Revision> {
    const outcome = await log.append('objects', batch);
    if (outcome.outcome !== 'appended') throw new Error(outcome.outcome);
    return outcome.revisions[batch.length - 1]!;
  }

  async function reached(): Promise<void> {
    const last = await log.lastRevision('objects');
    await until(() => projector.state === 'following' && projector.position('objects') >= last, 'the projection');
  }

  /** The last state of each pod as of each revision, by a fold of everything that was ever appended. */
  function statesOf(model: Model, at: number): readonly string[] {
    const states = new Map<string, string>();
    for (const { revision, commit, name, verb } of model) {
      if (commit > at) continue;
      if (verb === 'delete') states.delete(name);
      else states.set(name, `${name}@${revision}`);
    }
    return [...states.values()].sort();
  }

  /** Writes at random, in transactions too, and remembers. */
  async function writeAtRandom(random: Random, count: number, before: Model = []): Promise<Model> {
    const model: Write[] = [];
    const living = new Set(statesOf(before, Number.MAX_SAFE_INTEGER).map((state) => state.split('@')[0]!));
    const below = (limit: number): number => Math.floor(random.next() * limit);
    while (model.length < count) {
      const written = [...new Set(Array.from({ length: 1 + below(3) }, () => names[below(names.length)]!))];
      const id = `t${before.length + model.length}`;
      const batch = written.map((name, index) => {
        const verb = living.has(name) ? (below(3) === 0 ? 'delete' : 'update') : 'create';
        if (verb === 'delete') living.delete(name);
        else living.add(name);
        const transaction = written.length > 1 ? { transaction: { id, index, count: written.length } } : {};
        return { name, verb, append: append(testKey(name), { verb, ...transaction } as Partial<ObjectEvent>) };
      });
      const commit = await appendAll(...batch.map((write) => write.append));
      batch.forEach(({ name, verb }, index) =>
        model.push({ revision: commit - batch.length + 1 + index, commit, name, verb }),
      );
    }
    return model;
  }

  async function listed(revision: number): Promise<readonly string[] | 'purged'> {
    const past = await view.listAt(pods, toRevision(revision));
    if (past.outcome === 'purged') return 'purged';
    return past.value.map((entry) => `${entry.event.key.name}@${entry.revision}`).sort();
  }

  async function got(name: string, revision: number): Promise<number | 'none' | 'purged'> {
    const past = await view.objectAt(testKey(name), toRevision(revision));
    return past.outcome === 'purged' ? 'purged' : (past.value?.revision ?? 'none');
  }

  async function watched(from: number, upTo: number): Promise<readonly number[] | 'purged'> {
    const past = await view.changes(pods, toRevision(from), toRevision(upTo));
    return past.outcome === 'purged' ? 'purged' : past.value.map((change) => change.entry.revision);
  }

  const retained = (name: string): number[] =>
    log
      .retained('objects')
      .filter((entry) => entry.subject === subjectOf(testKey(name)))
      .map((entry) => entry.revision);

  async function sqlOf<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const sql = connectPostgres({ url: server.url, connections: 1, schema: schemaName });
    try {
      return await work(sql);
    } finally {
      await sql.end({ timeout: 1 });
    }
  }

  /** Of the rows of everything but the system's own entries. */
  const digest = (): Promise<string> =>
    sqlOf(async (sql) => {
      const rows = await Promise.all([
        sql`select t::text as row from history t where verb <> 'system' order by t::text`,
        sql`select t::text as row from latest t where subject not like 'system.%' order by t::text`,
        sql`select t::text as row from floor t order by t::text`,
      ]);
      const text = JSON.stringify(rows.map((table) => table.map((row) => row.row as string)));
      return createHash('sha256').update(text).digest('hex');
    });

  async function rebuild(): Promise<void> {
    await projector.close();
    await sqlOf((sql) => sql.unsafe(`drop schema ${schemaName} cascade`));
    projector = startProjector();
    await reached();
  }

  /** Revisions with what ends at them: what was before it on its object, or a tombstone. */
  const endsOf = (model: Model): Model =>
    model.filter(
      ({ name, verb, revision }) =>
        verb === 'delete' || model.some((other) => other.name === name && other.revision < revision),
    );

  it('says purged below the floor and the truth at and above it, at each revision, and after a rebuild too', async () => {
    const random = createSeededRandom(7);
    const model = await writeAtRandom(random, 40);
    const oldMs = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const young = await writeAtRandom(random, 40, model);
    const all = [...model, ...young];
    await compact(compactorOf({}), oldMs);
    const floor = Math.max(...endsOf(model).map(({ commit }) => commit));
    const last = all.at(-1)!.commit;
    expect(floor).toBeGreaterThan(30);
    const check = async (): Promise<void> => {
      for (let at = 1; at <= last; at++) {
        expect([at, await listed(at)]).toEqual([at, at < floor ? 'purged' : statesOf(all, at)]);
        const later = all.filter((write) => write.revision > at).map((write) => write.revision);
        expect([at, await watched(at, last)]).toEqual([at, at < floor ? 'purged' : later]);
      }
    };
    await check();
    const left = all.filter(
      (write) =>
        !endsOf(model).some((end) => end.name === write.name && end.revision > write.revision) &&
        !(write.verb === 'delete' && write.commit <= floor),
    );
    expect(names.flatMap(retained).sort((a, b) => a - b)).toEqual(left.map((write) => write.revision));
    const before = await digest();
    await rebuild();
    expect(await digest()).toBe(before);
    await check();
  }, 60_000);

  it('keeps no more old entries of an object than it may, and all of the others', async () => {
    const other = await appendAll(append(testKey('other')));
    const revisions: number[] = [];
    for (let turn = 0; turn < 9; turn++) revisions.push(await appendAll(append(testKey('busy'))));
    const later = await appendAll(append(testKey('other')));
    await compact(compactorOf({ ageMs: 3_600_000, entriesMax: 3 }));
    const floor = revisions.at(-4)!;
    expect([retained('busy'), retained('other')]).toEqual([revisions.slice(-4), [other, later]]);
    expect(await Promise.all([floor - 1, floor].map(listed))).toEqual(['purged', [`busy@${floor}`, `other@${other}`]]);
    expect(await Promise.all([floor - 1, floor].map((at) => got('busy', at)))).toEqual(['purged', floor]);
    expect(await Promise.all([other - 1, other].map((at) => got('other', at)))).toEqual(['none', other]);
    const elsewhere = await view.listAt(pods, toRevision(other), { namespace: 'elsewhere' });
    expect(elsewhere.outcome).toBe('found');
  });

  it.each(killedAt)('ends the same when it was killed before any %s', async (at) => {
    const model = await writeAtRandom(createSeededRandom(3), 20);
    let kills = 0;
    for (let count = 0; ; count++) {
      kill = { at, in: count };
      try {
        await compact(compactorOf({}));
        break;
      } catch (error) {
        if (!(error as Error).message.startsWith('killed')) throw error;
        kills += 1;
        // What stands at this moment is the truth, or purged.
        for (let revision = 2; revision <= model.at(-1)!.commit; revision += 4) {
          const now = await listed(revision);
          if (now !== 'purged') expect([revision, now]).toEqual([revision, statesOf(model, revision)]);
        }
      }
    }
    // Nothing of pods is sealed, so no key is deleted.
    expect(kills).toBeGreaterThan(at === 'delete' ? -1 : 1);
    const last = model.at(-1)!.commit;
    expect(await listed(last)).toEqual(statesOf(model, last));
    expect(names.flatMap(retained)).toHaveLength(statesOf(model, last).length);
    const rows = await digest();
    await rebuild();
    expect(await digest()).toBe(rows);
  });

  it('destroys the key of what is gone, of what never came to be, and no other', async () => {
    const random = createSeededRandom(1);
    const sealer = createSealer({ keyStore, clusterKey: new Uint8Array(32), random });
    const key = testKey('s', 'default', 'secrets');
    const sealed = async (uid: string, event: Partial<ObjectEvent> = {}): Promise<void> => {
      const { object, seal } = await sealer.seal(key, uid, Buffer.from('{"kind":"Secret"}'));
      await appendAll(append(key, { uid, object, seal, ...event }));
    };
    await sealed('first');
    await sealed('first', { verb: 'delete' });
    await sealed('second');
    await sealed('second');
    await sealer.seal(key, 'never', Buffer.from('{}'));
    expect([...keyStore.keys.keys()].sort()).toEqual(['first', 'never', 'second']);
    for (const inNext of [0, 1]) {
      kill = { at: 'delete', in: inNext };
      await expect(compact(compactorOf({}))).rejects.toThrow('killed');
    }
    kill = undefined;
    const compactor = compactorOf({});
    await compact(compactor);
    expect([...keyStore.keys.keys()]).toEqual(['second']);
    expect(compactor.stats.refutedEnds).toBe(0);
  });

  it.each([
    [
      'a revision that is another object’s',
      `update history set revision = 1000 where revision = (select max(revision) from history where name = 'a')`,
    ],
    ['a tombstone that never was', `update history set verb = 'delete' where name = 'a'`],
    [
      'an entry of nobody',
      `update history set subject = 'objects.core.pods.default.b', revision = revision + 500 where name = 'a' and verb <> 'create'`,
    ],
    ['times long ago', `update history set appended_ms = 1`],
  ])('purges nothing that lives, whatever the tables say: %s', async (_name, lie) => {
    const past = Date.now() - 1;
    for (const name of ['a', 'b', 'a', 'b']) await appendAll(append(testKey(name)));
    await reached();
    await until(() => source !== undefined, 'the compaction to begin');
    await sqlOf((sql) => sql.unsafe(lie));
    const compactor = compactorOf({});
    await compact(compactor, past);
    expect([retained('a').length, retained('b').length]).toEqual([2, 2]);
    await compact(compactorOf({}));
    expect([retained('a').at(-1), retained('b').at(-1)]).toEqual([4, 5]);
  });

  it('lets an object be made again after its tombstone has left', async () => {
    await appendAll(append(testKey('a')));
    const tombstone = await appendAll(append(testKey('a'), { verb: 'delete' }));
    await compact(compactorOf({}));
    const subject = subjectOf(testKey('a'));
    expect(await log.lastRevisionOf('objects', subject)).toBe(0);
    const rows = await sqlOf((sql) => sql`select 1 from latest where subject = ${subject}`);
    expect(rows).toHaveLength(0);
    const again = await appendAll({ ...append(testKey('a')), expected: toRevision(0) });
    await reached();
    expect(await Promise.all([tombstone - 1, tombstone, again].map((at) => got('a', at)))).toEqual([
      'purged',
      'none',
      again,
    ]);
  });
});
