/**
 * Follows the log into Postgres. One projector works at a time: it holds an advisory lock, and each write moves the stream's
 * position from where this projector left it, so a second one can't write even if the lock was lost unnoticed.
 *
 * Whatever goes wrong with Postgres – away, restarted, schema or database dropped – ends the round; the next one begins with
 * what is there, builds what is missing, and reads on from the position found.
 */
import type postgres from 'postgres';
import { type Revision, toRevision } from '@periplus/api/meta';
import type { Random, Time } from '@periplus/base/clock';
import { createBackoff, sleep } from '@periplus/base/stdx';
import type { LogFields, Logger } from '@periplus/base/telemetry';
import type { EventLog, Follower, LogEntry, StreamName } from '@periplus/log/event-log';
import { decodeObjectEvent, streamNames } from '@periplus/log/object-events';
import { type Commit, emptyFold, evolveFoldAll, toChange } from '@periplus/view/projection';
import type { CompactionSource } from '@periplus/view/retention';
import { type BuildProgress, createBuildMeter } from './build-progress.js';
import { createCompactionSource } from './compaction-source.js';
import { connectPostgres, databaseOf, isDatabaseMissing, isDuplicate, type Sql } from './connection.js';
import { planRows } from './row-plan.js';
import { advancePosition, PositionMovedError, sweepExpired, writeRows } from './row-writer.js';
import { createSchema, dropOlderSchemas, dropSchema, hasSchema, schemaName } from './schema.js';

export interface ProjectorOptions {
  readonly log: EventLog;
  readonly postgresUrl: string;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /**
   * Runs while this projector works and its projection is built, until `signal`; must not reject. Of many projectors one works, so
   * one compacts.
   */
  compact?(source: CompactionSource, signal: AbortSignal): Promise<void>;
}

export type ProjectorState =
  /** Postgres can't be reached, or is being prepared. */
  | 'starting'
  /** Another projector works. */
  | 'standby'
  | 'following';

export interface Projector {
  readonly state: ProjectorState;
  /** Where each stream's projection is; 0 before it is known. */
  position(stream: StreamName): Revision;
  /** While the projection is being built; undefined when it is, and while nothing is known of it. */
  readonly building: BuildProgress | undefined;
  /** Entries that were set aside since the start. */
  readonly quarantined: number;
  /** Runs until `close`. Rejects only on a bug. */
  run(): Promise<void>;
  close(): Promise<void>;
}

/** Any number that nobody else uses: "peri" in ASCII. */
const lockKey = 0x70657269;
const lockRetryMs = 500;
const beginPollMs = 50;
/** Entries that are compared with the log's before the projection is gone on with. */
const comparedMax = 8;
/** Entries that the log has lost: so many are named. */
const reportedMax = 100;
/** How soon a dropped schema is noticed when nothing is written. */
const checkIntervalMs = 1_000;
/** A marker is given this long to come before its message is taken for expired without one. */
const expiryGraceMs = 60_000;
const sweepIntervalMs = 60_000;
/** How often a long building says how far it is. */
const progressIntervalMs = 5_000;

/** The round can't go on; the next one may. */
class RoundEndedError extends Error {
  readonly code = 'ROUND_ENDED';
}

async function ensureDatabase(url: string): Promise<void> {
  const probe = connectPostgres({ url, connections: 1 });
  try {
    await probe`select 1`;
    return;
  } catch (error) {
    if (!isDatabaseMissing(error)) throw error;
  } finally {
    await probe.end({ timeout: 0 });
  }
  const maintenance = connectPostgres({ url, connections: 1, database: 'postgres' });
  try {
    await maintenance`create database ${maintenance(databaseOf(url))}`;
  } catch (error) {
    if (!isDuplicate(error)) throw error;
  } finally {
    await maintenance.end({ timeout: 0 });
  }
}

/** One transaction's rows are one statement, which has to stay within what Postgres takes and what memory bears. */
const portionBytesMax = 8 * 1024 * 1024;

/** Whole commits, together of that size as far as one alone is not larger. */
function portionsOf(commits: readonly Commit[]): readonly (readonly Commit[])[] {
  const portions: Commit[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const commit of commits) {
    const size = commit.changes.reduce((sum, change) => sum + ('payload' in change ? change.payload.length : 0), 0);
    if (bytes + size > portionBytesMax) {
      portions.push([]);
      bytes = 0;
    }
    portions.at(-1)!.push(commit);
    bytes += size;
  }
  return portions;
}

function describeProgress({ revision, of, remainingMs }: BuildProgress): LogFields {
  return {
    percent: Math.floor((revision / of) * 100),
    revision,
    of,
    ...(remainingMs === undefined ? {} : { remainingSeconds: Math.ceil(remainingMs / 1_000) }),
  };
}

export function createProjector(options: ProjectorOptions): Projector {
  const { log, postgresUrl, time, random, logger } = options;
  const closing = new AbortController();
  const positions = new Map<StreamName, Revision>();
  const meter = createBuildMeter(time);
  let state: ProjectorState = 'starting';
  let quarantined = 0;
  let running: Promise<void> | undefined;

  function moveTo(stream: StreamName, revision: Revision): void {
    positions.set(stream, revision);
    meter.reached(stream, revision);
  }

  async function clusterIdOf(stream: StreamName): Promise<string> {
    const entry = await log.entry(stream, await log.firstRevision(stream));
    const decoded = entry && decodeObjectEvent(entry.payload);
    const system = decoded?.outcome === 'event' ? decoded.event.system : undefined;
    return system?.type === 'genesis' ? system.clusterId : '';
  }

  /** Whether what is in the schema was made from this log, and from no more than it has. */
  async function isOfThisLog(sql: Sql): Promise<boolean> {
    const rows = await sql<{ stream: StreamName; revision: number; cluster_id: string }[]>`select * from watermark`;
    if (rows.length !== streamNames.length) return false;
    for (const row of rows) {
      const last = await log.lastRevision(row.stream);
      if (row.revision > last) {
        await reportLost(sql, row.stream, last);
        return false;
      }
      // A restored log begins above all that the one before it had.
      if (row.revision > 0 && row.revision < (await log.firstRevision(row.stream))) return false;
      if (row.cluster_id !== (await clusterIdOf(row.stream))) return false;
      if (!(await areInLog(sql, row.stream))) return false;
    }
    return true;
  }

  /** What is known of entries that the log has no more, before nobody knows it. */
  async function reportLost(sql: Sql, stream: StreamName, after: number): Promise<void> {
    const lost = await sql<{ revision: number; subject: string; request_id: string }[]>`
      select revision, subject, request_id from history where stream = ${stream} and revision > ${after}
      order by revision limit ${reportedMax}`;
    for (const { revision, subject, request_id: requestId } of lost)
      logger.error('the log has lost an entry that was projected', { stream, revision, subject, requestId });
  }

  /** Whether the newest entries are the log's: one that lost its end gives their revisions to others. What was purged tells nothing. */
  async function areInLog(sql: Sql, stream: StreamName): Promise<boolean> {
    const rows = await sql<{ revision: number; subject: string; entry: Buffer }[]>`
      select revision, subject, entry from history where stream = ${stream} order by revision desc limit ${comparedMax}`;
    for (const { revision, subject, entry } of rows) {
      const logged = await log.entry(stream, toRevision(revision));
      if (logged === undefined || (logged.subject === subject && entry.equals(logged.payload))) continue;
      logger.error('the log has lost an entry that was projected, and has another', { stream, revision, subject });
      return false;
    }
    return true;
  }

  /** What is built before the log's first entries are there would be of no cluster. */
  async function untilBegun(): Promise<void> {
    for (const stream of streamNames)
      while (!closing.signal.aborted && (await log.lastRevision(stream)) === 0)
        await sleep(time, beginPollMs, closing.signal);
  }

  async function prepareSchema(sql: Sql): Promise<void> {
    await untilBegun();
    if (closing.signal.aborted) return;
    if ((await hasSchema(sql)) && (await isOfThisLog(sql))) return;
    logger.info('building the projection anew', { schema: schemaName });
    await dropSchema(sql);
    await createSchema(sql);
    for (const stream of streamNames) {
      const last = await log.lastRevision(stream);
      // What Leases and Events were before is not in the log any more; what objects were before its beginning never was.
      const exactFrom = stream === 'objects' ? (await log.firstRevision(stream)) - 1 : last;
      await sql`
        insert into watermark (stream, revision, appended_ms, cluster_id, built, exact_from, exact_ms)
        values (${stream}, 0, 0, ${await clusterIdOf(stream)}, ${last}, ${exactFrom}, 0)`;
    }
  }

  async function acquireLock(session: postgres.ReservedSql<{ revision: number }>): Promise<void> {
    while (!closing.signal.aborted) {
      const [row] = await session<{ locked: boolean }[]>`select pg_try_advisory_lock(${lockKey}) as locked`;
      if (row?.locked) return;
      if (state !== 'standby') logger.info('another projector works: standing by');
      state = 'standby';
      await sleep(time, lockRetryMs, closing.signal);
    }
  }

  async function write(sql: Sql, stream: StreamName, commits: readonly Commit[]): Promise<void> {
    if (commits.length === 0) return;
    const plan = planRows(stream, commits);
    for (const { revision, subject, reason } of plan.quarantine) {
      quarantined += 1;
      logger.error('an entry is not readable and changes nothing', { stream, revision, subject, reason });
    }
    await writeRows(sql, stream, positions.get(stream)!, plan);
    moveTo(stream, plan.revision);
  }

  function follow(sql: Sql, stream: StreamName, onFailure: (error: unknown) => void): Follower {
    let fold = emptyFold;
    /** Writes of one stream go one after another. */
    let last: Promise<void> = Promise.resolve();
    const inOrder = (work: () => Promise<void>): Promise<void> => (last = last.then(work));

    async function advance(revision: Revision): Promise<void> {
      const position = positions.get(stream)!;
      if (fold.open !== undefined || revision <= position) return;
      await advancePosition(sql, stream, position, revision);
      moveTo(stream, revision);
    }

    return log.follow(stream, toRevision(positions.get(stream)! + 1), {
      onEntries(entries: readonly LogEntry[]) {
        const step = evolveFoldAll(fold, entries.map(toChange));
        fold = step.state;
        return inOrder(async () => {
          for (const portion of portionsOf(step.commits)) await write(sql, stream, portion);
        });
      },
      onProgress(revision) {
        inOrder(() => advance(revision)).catch(onFailure);
      },
      onError: onFailure,
    });
  }

  /** Rejects when the tables are not as they were left: dropped, or set back. */
  async function checkPositions(session: postgres.ReservedSql<{ revision: number }>): Promise<void> {
    const written = new Map(positions);
    const rows = await session<{ stream: StreamName; revision: number }[]>`select stream, revision from watermark`;
    const found = new Map(rows.map((row) => [row.stream, row.revision]));
    for (const [stream, revision] of written)
      if ((found.get(stream) ?? -1) < revision)
        throw new PositionMovedError(`the position of ${stream} is ${found.get(stream)}, not ${revision}`);
  }

  async function followAll(sql: Sql, session: postgres.ReservedSql<{ revision: number }>): Promise<void> {
    const round = new AbortController();
    let failure: unknown;
    const end = (error: unknown): void => {
      failure ??= error;
      round.abort();
    };
    const stop = (): void => round.abort();
    closing.signal.addEventListener('abort', stop, { once: true });
    const rows = await sql<{ stream: StreamName; revision: number; built: number }[]>`
      select stream, revision, built from watermark`;
    for (const { stream, revision, built } of rows) {
      meter.begin(stream, revision, built);
      moveTo(stream, toRevision(revision));
    }
    const begunMs = time.monotonic();
    const followers = streamNames.map((stream) => follow(sql, stream, end));
    state = 'following';
    logger.info('following the log', { positions: Object.fromEntries(positions) });
    let sweptMs = time.monotonic();
    let toldMs = time.monotonic();
    let isBuilt = meter.progress() === undefined;
    let compacting: Promise<void> | undefined;
    try {
      while (!round.signal.aborted) {
        await sleep(time, checkIntervalMs, round.signal);
        if (round.signal.aborted) break;
        await checkPositions(session);
        const progress = meter.progress();
        if (progress !== undefined) {
          if (time.monotonic() - toldMs < progressIntervalMs) continue;
          toldMs = time.monotonic();
          logger.info('building the projection', describeProgress(progress));
          continue;
        }
        if (!isBuilt) logger.info('the projection is built', { tookMs: Math.round(time.monotonic() - begunMs) });
        isBuilt = true;
        if (compacting === undefined) {
          const dropped = await dropOlderSchemas(sql);
          if (dropped.length > 0) logger.info('older projections were dropped', { schemas: dropped });
          const source = createCompactionSource(sql, (stream) => positions.get(stream)!);
          compacting = options.compact?.(source, round.signal) ?? Promise.resolve();
        }
        if (time.monotonic() - sweptMs < sweepIntervalMs) continue;
        sweptMs = time.monotonic();
        await sweepExpired(sql, 'events', time.now() - expiryGraceMs);
      }
    } finally {
      round.abort();
      for (const follower of followers) follower.close();
      closing.signal.removeEventListener('abort', stop);
      await compacting;
    }
    if (failure !== undefined) throw new RoundEndedError('following the log into Postgres ended', { cause: failure });
  }

  async function round(): Promise<void> {
    await ensureDatabase(postgresUrl);
    const sql = connectPostgres({ url: postgresUrl, connections: 6, schema: schemaName });
    try {
      // Only a connection that has answered once can be reserved.
      await sql`select 1`;
      const session = await sql.reserve();
      await acquireLock(session);
      if (closing.signal.aborted) return;
      await prepareSchema(sql);
      if (closing.signal.aborted) return;
      await followAll(sql, session);
    } finally {
      state = 'starting';
      await sql.end({ timeout: 0 });
    }
  }

  async function runRounds(): Promise<void> {
    const backoff = createBackoff({ initialMs: 100, maxMs: 2_000, jitter: 0.5 }, random);
    while (!closing.signal.aborted) {
      const started = time.monotonic();
      try {
        await round();
      } catch (error) {
        if (closing.signal.aborted) return;
        logger.warn('the projection was interrupted: starting over from what Postgres has', { error });
      }
      if (time.monotonic() - started > 10_000) backoff.reset();
      await sleep(time, backoff.nextMs(), closing.signal);
    }
  }

  return {
    get state() {
      return state;
    },
    get building() {
      return state === 'following' ? meter.progress() : undefined;
    },
    get quarantined() {
      return quarantined;
    },
    position: (stream) => positions.get(stream) ?? toRevision(0),
    run() {
      running ??= runRounds();
      return running;
    },
    async close() {
      closing.abort();
      await running;
    },
  };
}
