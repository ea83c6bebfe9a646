/** Reads of the projection: snapshots for caches, the past, and what is older than a cache's window. */
import type postgres from 'postgres';
import { type ObjectKey, type Revision, toRevision } from '@periplus/api/meta';
import type { Time } from '@periplus/base/clock';
import { DeadlineExceededError, sleep, withDeadline } from '@periplus/base/stdx';
import type { StreamName, Subject } from '@periplus/log/event-log';
import { streamOf } from '@periplus/log/object-events';
import { createPostgresPool, type Sql } from './connection.js';
import { toSortName } from './row-plan.js';
import { schemaName } from './schema.js';
import { type EntryRow, type StoredChange, type StoredEvent, toStoredEvent } from './stored-event.js';

export interface ResourceName {
  readonly group: string;
  readonly resource: string;
}

/** A read of history: the state, or that history does not reach back so far. */
export type Past<T> = { readonly outcome: 'found'; readonly value: T } | { readonly outcome: 'purged' };

/** Postgres does not answer, or its projection is missing or lags too far behind. Nothing but reads of the past depends on it. */
export class HistoryUnavailableError extends Error {
  readonly code = 'HISTORY_UNAVAILABLE';
}

export interface ListPage {
  /** Absent = all namespaces, or a cluster-scoped resource. */
  readonly namespace?: string;
  readonly limit?: number;
  /** Only what comes behind this object in the order of `namespace/name`. */
  readonly after?: { readonly namespace: string; readonly name: string };
}

/** One entry a subject: an object, a tombstone or a system entry. */
export interface SnapshotPosition {
  readonly revision: Revision;
  readonly clusterId: string;
  /** Subjects whose last entry is one that nobody can read; their rows, if they have any, are older. */
  readonly damaged: readonly { readonly subject: Subject; readonly revision: Revision }[];
  /** The requests that wrote last, in the order of the log. */
  readonly requests: readonly { readonly requestId: string; readonly timestampMs: number }[];
}

/** How many of the last requests are wanted: not longer before the last entry, and not more. */
export interface RequestLimits {
  readonly ageMs: number;
  readonly max: number;
}

/** All methods reject with `HistoryUnavailableError` when Postgres can't answer. */
export interface PostgresView {
  /** Where the projection of the stream is. */
  watermark(stream: StreamName): Promise<Revision>;
  /** The last entry of every subject, of one consistent state; in portions, waiting for `onRows`. Undefined when nothing is built. */
  load(
    stream: StreamName,
    onRows: (rows: readonly StoredEvent[]) => void | Promise<void>,
    requests: RequestLimits,
  ): Promise<SnapshotPosition | undefined>;
  /** The objects as they are now in the projection. */
  current(resource: ResourceName, page?: ListPage): Promise<readonly StoredEvent[]>;
  /** As reads at a revision do, this waits for the projection to get there. */
  objectAt(key: ObjectKey, revision: Revision): Promise<Past<StoredEvent | undefined>>;
  listAt(resource: ResourceName, revision: Revision, page?: ListPage): Promise<Past<readonly StoredEvent[]>>;
  /** Changes with `after` < revision ≤ `upTo`, in order, whole transactions. */
  changes(
    resource: ResourceName,
    after: Revision,
    upTo: Revision,
    namespace?: string,
  ): Promise<Past<readonly StoredChange[]>>;
  /** Newest first. */
  history(key: ObjectKey, limit: number): Promise<readonly StoredEvent[]>;
  /**
   * The end of the last transaction appended at or before the time; 0 when the stream was empty then. Waits for the
   * projection to have what was appended until then: at the latest when it has reached `atLeast`.
   */
  revisionAtTime(stream: StreamName, timeMs: number, atLeast: Revision): Promise<Revision>;
  /** What a request wrote, however long ago. */
  writtenBy(requestId: string): Promise<StoredEvent | undefined>;
  close(): Promise<void>;
}

export interface PostgresViewOptions {
  readonly postgresUrl: string;
  readonly time: Time;
  readonly connections?: number;
  /** How long a read at a revision waits for the projection to get there. Default 5 s. */
  readonly catchUpLimitMs?: number;
  /** How long Postgres may take to answer. Default 10 s. */
  readonly answerLimitMs?: number;
}

/** There is no such table yet: the projector of a new cluster makes it, perhaps while an apiserver starts already. */
function isNotBuilt(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === '42P01';
}

type Fragment = postgres.PendingQuery<postgres.Row[]>;

const snapshotPortion = 500;
const pollMs = 25;

export function createPostgresView(options: PostgresViewOptions): PostgresView {
  const { postgresUrl, time, connections = 8, catchUpLimitMs = 5_000, answerLimitMs = 10_000 } = options;
  const pool = createPostgresPool({
    url: postgresUrl,
    connections,
    schema: schemaName,
    statementLimitMs: answerLimitMs,
  });

  function toUnavailable(error: unknown): HistoryUnavailableError {
    if (error instanceof HistoryUnavailableError) return error;
    const isLate = error instanceof DeadlineExceededError;
    return new HistoryUnavailableError(isLate ? 'Postgres does not answer' : 'history cannot be read', {
      cause: error,
    });
  }

  async function answer<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    try {
      return await withDeadline(time, answerLimitMs, 'read history', work(pool.sql()));
    } catch (error) {
      throw toUnavailable(error);
    }
  }

  async function watermark(stream: StreamName): Promise<Revision> {
    return toRevision((await positionOf(stream)).revision);
  }

  interface Position {
    readonly revision: number;
    readonly built: number;
    readonly appended_ms: number;
  }

  async function positionOf(stream: StreamName): Promise<Position> {
    const [row] = await answer(
      (sql) => sql<Position[]>`select revision, built, appended_ms from watermark where stream = ${stream}`,
    );
    if (row === undefined) throw new HistoryUnavailableError('the projection is being built');
    return row;
  }

  /** Waits until the projection is built and `isThere`. */
  async function reach(stream: StreamName, isThere: (position: Position) => boolean, what: string): Promise<void> {
    const deadline = time.monotonic() + catchUpLimitMs;
    for (;;) {
      const position = await positionOf(stream);
      const { revision, built } = position;
      if (revision >= built && isThere(position)) return;
      if (time.monotonic() >= deadline)
        throw new HistoryUnavailableError(
          revision < built
            ? `the projection of ${stream} is being built: ${revision} of ${built} revisions are there`
            : `the projection of ${stream} has not reached ${what}`,
        );
      await sleep(time, pollMs);
    }
  }

  /** Reads of one consistent state that reaches at least to `revision`; `floor`: from there on the past of `scope` is whole. */
  async function readPast<T>(
    stream: StreamName,
    revision: Revision,
    scope: ResourceName & { readonly floors: (sql: Sql) => Fragment },
    read: (transaction: Sql, floor: Revision) => Promise<T>,
  ): Promise<T> {
    await reach(stream, (position) => position.revision >= revision, `revision ${revision}`);
    return answer((sql) =>
      sql.begin('isolation level repeatable read read only', async (transaction) => {
        const [place] = await transaction<{ revision: number; built: number; floor: number }[]>`
          select w.revision, w.built, greatest(w.exact_from, (
            select max(f.revision) from floor f where f.stream = w.stream
              and f.api_group = ${scope.group} and f.resource = ${scope.resource}
              and (f.sort_name = '' or ${scope.floors(sql)}))) as floor
          from watermark w where w.stream = ${stream}`;
        if (place === undefined || place.revision < Math.max(revision, place.built))
          throw new HistoryUnavailableError('the projection is being built');
        return read(transaction as unknown as Sql, toRevision(place.floor));
      }),
    ) as Promise<T>;
  }

  const entryColumns = (sql: Sql) => sql`h.stream, h.subject, h.revision, h.commit_revision, h.appended_ms, h.entry`;
  const isWithin = (sql: Sql, table: string, namespace: string | undefined) =>
    namespace === undefined
      ? sql`true`
      : sql`${sql(`${table}.sort_name`)} >= ${toSortName({ namespace, name: '' })}
          and ${sql(`${table}.sort_name`)} < ${`${namespace}0`}`;
  const isBehind = (sql: Sql, table: string, after: ListPage['after']) =>
    after === undefined ? sql`true` : sql`${sql(`${table}.sort_name`)} > ${toSortName(after)}`;
  const atMost = (sql: Sql, limit: number | undefined) => (limit === undefined ? sql`` : sql`limit ${limit}`);

  async function load(
    stream: StreamName,
    onRows: (rows: readonly StoredEvent[]) => void | Promise<void>,
    requests: RequestLimits,
  ): Promise<SnapshotPosition | undefined> {
    const sql = pool.sql();
    return sql.begin('isolation level repeatable read read only', async (transaction) => {
      // A large cluster takes longer than a request may.
      await transaction`set local statement_timeout = 0`;
      const [position] = await transaction<{ revision: number; cluster_id: string; appended_ms: number }[]>`
        select revision, cluster_id, appended_ms from watermark where stream = ${stream}`;
      if (position === undefined || position.revision === 0) return undefined;
      const rows = transaction<EntryRow[]>`
        select ${entryColumns(sql)}, l.expires_ms from latest l join history h using (stream, revision)
        where l.stream = ${stream} order by l.revision`;
      await rows.cursor(snapshotPortion, async (portion) => {
        await onRows(portion.map(toStoredEvent));
      });
      const damaged = await transaction<{ subject: string; revision: number }[]>`
        select q.subject, max(q.revision) as revision from quarantine q left join latest l using (subject)
        where q.stream = ${stream} and q.revision > coalesce(l.revision, 0) group by q.subject`;
      const recent = await transaction<{ request_id: string; appended_ms: number }[]>`
        select request_id, appended_ms from history where stream = ${stream} and request_id <> ''
          and appended_ms >= ${position.appended_ms - requests.ageMs} order by revision desc limit ${requests.max}`;
      return {
        revision: toRevision(position.revision),
        clusterId: position.cluster_id,
        requests: recent.reverse().map((row) => ({ requestId: row.request_id, timestampMs: row.appended_ms })),
        damaged: damaged.map(({ subject, revision }) => ({ subject, revision: toRevision(revision) })),
      };
    });
  }

  return {
    watermark,
    async load(stream, onRows, requests) {
      try {
        return await load(stream, onRows, requests);
      } catch (error) {
        if (isNotBuilt(error)) return undefined;
        throw toUnavailable(error);
      }
    },
    async current(resource, { namespace, limit, after } = {}) {
      const rows = await answer(
        (sql) => sql<EntryRow[]>`
        select ${entryColumns(sql)} from latest l join history h using (stream, revision)
        where l.api_group = ${resource.group} and l.resource = ${resource.resource} and l.is_object
          and ${isWithin(sql, 'l', namespace)} and ${isBehind(sql, 'l', after)}
        order by l.sort_name ${atMost(sql, limit)}`,
      );
      return rows.map(toStoredEvent);
    },
    async objectAt(key, revision) {
      const { group, resource } = key;
      const isOfObject = (sql: Sql): Fragment => sql`f.sort_name = ${toSortName(key)}`;
      const scope = { group, resource, floors: isOfObject };
      return readPast<Past<StoredEvent | undefined>>(streamOf(key), revision, scope, async (sql, floor) => {
        const [row] = await sql<(EntryRow & { verb: string })[]>`
          select ${entryColumns(sql)}, h.verb from history h
          where h.api_group = ${group} and h.resource = ${resource} and h.sort_name = ${toSortName(key)}
            and h.commit_revision <= ${revision}
          order by h.commit_revision desc, h.revision desc limit 1`;
        // What is left of an object has no gaps, so an entry that is there says what was, below the floor too.
        if (row === undefined) return revision < floor ? { outcome: 'purged' } : { outcome: 'found', value: undefined };
        return { outcome: 'found', value: row.verb === 'delete' ? undefined : toStoredEvent(row) };
      });
    },
    async listAt(resource, revision, { namespace, limit, after } = {}) {
      const scope = { ...resource, floors: (sql: Sql) => isWithin(sql, 'f', namespace) };
      return readPast<Past<readonly StoredEvent[]>>(streamOf(resource), revision, scope, async (sql, floor) => {
        if (revision < floor) return { outcome: 'purged' };
        const rows = await sql<EntryRow[]>`
          select h.* from (
            select distinct on (h.sort_name) ${entryColumns(sql)}, h.sort_name, h.verb from history h
            where h.api_group = ${resource.group} and h.resource = ${resource.resource}
              and h.commit_revision <= ${revision}
              and ${isWithin(sql, 'h', namespace)} and ${isBehind(sql, 'h', after)}
            order by h.sort_name, h.commit_revision desc, h.revision desc) h
          where h.verb <> 'delete' order by h.sort_name ${atMost(sql, limit)}`;
        return { outcome: 'found', value: rows.map(toStoredEvent) };
      });
    },
    async changes(resource, after, upTo, namespace) {
      const scope = { ...resource, floors: (sql: Sql) => isWithin(sql, 'f', namespace) };
      const stream = streamOf(resource);
      return readPast<Past<readonly StoredChange[]>>(stream, upTo, scope, async (sql, floor) => {
        if (after < floor) return { outcome: 'purged' };
        const rows = await readChanges(sql, stream, resource, after, upTo, isWithin(sql, 'h', namespace));
        return { outcome: 'found', value: rows };
      });
    },
    async history(key, limit) {
      const rows = await answer(
        (sql) => sql<EntryRow[]>`
        select ${entryColumns(sql)} from history h
        where h.api_group = ${key.group} and h.resource = ${key.resource} and h.sort_name = ${toSortName(key)}
        order by h.commit_revision desc, h.revision desc limit ${limit}`,
      );
      return rows.map(toStoredEvent);
    },
    async revisionAtTime(stream, timeMs, atLeast) {
      await reach(
        stream,
        (position) => position.revision >= atLeast || position.appended_ms > timeMs,
        `revision ${atLeast}`,
      );
      // Where everything of a time is gone, the floors still say what it led to.
      const [row] = await answer(
        (sql) => sql<{ revision: number | null }[]>`
        select greatest(
          (select h.commit_revision from history h where h.stream = w.stream and h.appended_ms <= ${timeMs}
            order by h.appended_ms desc, h.commit_revision desc limit 1),
          (select max(f.revision) from floor f where f.stream = w.stream and f.at_ms > 0 and f.at_ms <= ${timeMs}),
          case when w.exact_ms between 1 and ${timeMs} then w.exact_from end) as revision
        from watermark w where w.stream = ${stream}`,
      );
      return toRevision(row?.revision ?? 0);
    },
    async writtenBy(requestId) {
      if (requestId === '') return undefined;
      const [row] = await answer(
        (sql) => sql<EntryRow[]>`
        select ${entryColumns(sql)} from history h where h.request_id = ${requestId} order by h.revision limit 1`,
      );
      return row && toStoredEvent(row);
    },
    async close() {
      await pool.close();
    },
  };
}

type PreviousRow = EntryRow & {
  readonly previous_revision: number | null;
  readonly previous_commit_revision: number | null;
  readonly previous_appended_ms: number | null;
  readonly previous_entry: Buffer | null;
};

function toChange(row: PreviousRow): StoredChange {
  const entry = toStoredEvent(row);
  if (row.previous_entry === null) return { entry };
  const { stream, subject } = row;
  const previous = toStoredEvent({
    stream,
    subject,
    revision: row.previous_revision!,
    commit_revision: row.previous_commit_revision!,
    appended_ms: row.previous_appended_ms!,
    entry: row.previous_entry,
  });
  return { entry, previous };
}

/** Each change with the entry before it, unless that was a tombstone. */
async function readChanges(
  sql: Sql,
  stream: StreamName,
  resource: ResourceName,
  after: Revision,
  upTo: Revision,
  isWithin: Fragment,
): Promise<readonly StoredChange[]> {
  const rows = await sql<PreviousRow[]>`
    select h.stream, h.subject, h.revision, h.commit_revision, h.appended_ms, h.entry,
      p.revision as previous_revision, p.commit_revision as previous_commit_revision,
      p.appended_ms as previous_appended_ms, p.entry as previous_entry
    from history h
    left join lateral (
      select b.revision, b.commit_revision, b.appended_ms, b.entry, b.verb from history b
      where b.subject = h.subject and b.revision < h.revision order by b.revision desc limit 1) p
      on p.verb <> 'delete'
    where h.stream = ${stream} and h.api_group = ${resource.group} and h.resource = ${resource.resource}
      and h.revision > ${after} and h.commit_revision <= ${upTo} and ${isWithin}
    order by h.revision`;
  // A tombstone of what was not there changes nothing.
  return rows.map(toChange).filter(({ entry, previous }) => entry.event.verb !== 'delete' || previous !== undefined);
}
