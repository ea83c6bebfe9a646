/** Writes a plan's rows and the stream's position in one transaction. */
import type postgres from 'postgres';
import type { Revision } from '@periplus/api/meta';
import type { StreamName } from '@periplus/log/event-log';
import { arrayLiteral } from './array-literal.js';
import type { Sql } from './connection.js';
import type { HistoryRow, LatestRow, RowPlan } from './row-plan.js';

type Transaction = postgres.TransactionSql<{ revision: number }>;

/** Somebody else moved the position, or the tables are not those that were built: start over from what is there. */
export class PositionMovedError extends Error {
  readonly code = 'POSITION_MOVED';
}

type ColumnValue = string | number | boolean | Uint8Array | null;

async function insertHistory(sql: Transaction, stream: StreamName, rows: readonly HistoryRow[]): Promise<void> {
  const column = (pick: (row: HistoryRow) => ColumnValue) => arrayLiteral(rows.map(pick));
  await sql`
    insert into history (
      stream, revision, commit_revision, subject, api_group, resource, namespace, name, sort_name, verb, uid,
      api_version, kind, subresource, actor, user_agent, request_id, change_id, cause_revision, parent, appended_ms,
      entry, object_at, object_length)
    select ${stream}::text, * from unnest(
      ${column((row) => row.revision)}::bigint[],
      ${column((row) => row.commitRevision)}::bigint[],
      ${column((row) => row.subject)}::text[],
      ${column((row) => row.group)}::text[],
      ${column((row) => row.resource)}::text[],
      ${column((row) => row.namespace)}::text[],
      ${column((row) => row.name)}::text[],
      ${column((row) => row.sortName)}::text[],
      ${column((row) => row.verb)}::text[],
      ${column((row) => row.uid)}::text[],
      ${column((row) => row.apiVersion)}::text[],
      ${column((row) => row.kind)}::text[],
      ${column((row) => row.subresource)}::text[],
      ${column((row) => row.actor)}::text[],
      ${column((row) => row.userAgent)}::text[],
      ${column((row) => row.requestId)}::text[],
      ${column((row) => row.changeId)}::text[],
      ${column((row) => row.causeRevision)}::bigint[],
      ${column((row) => row.parent)}::bigint[],
      ${column((row) => row.appendedMs)}::bigint[],
      ${column((row) => row.entry)}::bytea[],
      ${column((row) => row.objectAt)}::integer[],
      ${column((row) => row.objectLength)}::integer[])`;
}

async function upsertLatest(sql: Transaction, stream: StreamName, rows: RowPlan['latest']): Promise<void> {
  const column = (pick: (row: LatestRow) => ColumnValue) => arrayLiteral(rows.map(pick));
  await sql`
    insert into latest (stream, subject, revision, api_group, resource, sort_name, is_object, expires_ms)
    select ${stream}::text, * from unnest(
      ${column((row) => row.subject)}::text[],
      ${column((row) => row.revision)}::bigint[],
      ${column((row) => row.group)}::text[],
      ${column((row) => row.resource)}::text[],
      ${column((row) => row.sortName)}::text[],
      ${column((row) => row.isObject)}::boolean[],
      ${column((row) => row.expiresMs)}::bigint[])
    on conflict (subject) do update set
      revision = excluded.revision, is_object = excluded.is_object, expires_ms = excluded.expires_ms`;
}

async function removeSubjects(sql: Transaction, subjects: readonly string[]): Promise<void> {
  const gone = arrayLiteral(subjects);
  await sql`delete from latest where subject = any(${gone}::text[])`;
  await sql`delete from history where subject = any(${gone}::text[])`;
}

/** The log keeps one entry a lease, and so does its history. */
async function removeOverwritten(sql: Transaction, rows: RowPlan['latest']): Promise<void> {
  await sql`
    delete from history h using unnest(
      ${arrayLiteral(rows.map((row) => row.subject))}::text[],
      ${arrayLiteral(rows.map((row) => row.revision))}::bigint[]) as l (subject, revision)
    where h.subject = l.subject and h.revision < l.revision`;
}

async function insertQuarantine(sql: Transaction, stream: StreamName, rows: RowPlan['quarantine']): Promise<void> {
  for (const row of rows)
    await sql`
      insert into quarantine (stream, revision, subject, reason, entry)
      values (${stream}, ${row.revision}, ${row.subject}, ${row.reason}, ${Buffer.from(row.entry)})`;
}

/** A resource's floor takes those of its objects along that are lower. */
async function raiseFloors(sql: Transaction, stream: StreamName, floors: RowPlan['floors']): Promise<void> {
  for (const { group, resource, sortName, revision, atMs } of floors) {
    await sql`
      insert into floor (stream, api_group, resource, sort_name, revision, at_ms)
      values (${stream}, ${group}, ${resource}, ${sortName}, ${revision}, ${atMs})
      on conflict (stream, api_group, resource, sort_name) do update set
        revision = greatest(floor.revision, excluded.revision), at_ms = greatest(floor.at_ms, excluded.at_ms)`;
    if (sortName === '')
      await sql`
        delete from floor where stream = ${stream} and api_group = ${group} and resource = ${resource}
          and sort_name <> '' and revision <= ${revision}`;
  }
}

async function noteForgotten(sql: Transaction, stream: StreamName, { revision, atMs }: NonNullable<RowPlan['forgot']>) {
  await sql`
    update watermark set exact_from = greatest(exact_from, ${revision}), exact_ms = greatest(exact_ms, ${atMs})
    where stream = ${stream}`;
}

async function move(sql: Transaction, stream: StreamName, from: Revision, to: Revision, appendedMs: number) {
  const moved = await sql`
    update watermark set revision = ${to}, appended_ms = greatest(appended_ms, ${appendedMs})
    where stream = ${stream} and revision = ${from}`;
  if (moved.count !== 1) throw new PositionMovedError(`the position of ${stream} is not ${from} any more`);
}

/** Rejects with `PositionMovedError` when the stream's position is not `from`; then nothing was written. */
export async function writeRows(sql: Sql, stream: StreamName, from: Revision, plan: RowPlan): Promise<void> {
  await sql.begin(async (transaction) => {
    // What is lost with a crash of Postgres is read again from the log: the position is lost with it.
    await transaction`set local synchronous_commit = off`;
    await move(transaction, stream, from, plan.revision, plan.appendedMs);
    if (plan.expired.length > 0) await removeSubjects(transaction, plan.expired);
    if (plan.history.length > 0) await insertHistory(transaction, stream, plan.history);
    if (plan.latest.length > 0) await upsertLatest(transaction, stream, plan.latest);
    if (stream === 'leases' && plan.latest.length > 0) await removeOverwritten(transaction, plan.latest);
    await raiseFloors(transaction, stream, plan.floors);
    if (plan.forgot !== undefined) await noteForgotten(transaction, stream, plan.forgot);
    if (plan.quarantine.length > 0) await insertQuarantine(transaction, stream, plan.quarantine);
  });
}

/** Nothing retained is between `from` and `to`. */
export async function advancePosition(sql: Sql, stream: StreamName, from: Revision, to: Revision): Promise<void> {
  await sql.begin((transaction) => move(transaction, stream, from, to, 0));
}

/** Removes what expired without anybody having been told, because nobody followed the log then. */
export async function sweepExpired(sql: Sql, stream: StreamName, beforeMs: number): Promise<number> {
  return sql.begin(async (transaction) => {
    const rows = await transaction<{ subject: string }[]>`
      select subject from latest where stream = ${stream} and expires_ms < ${beforeMs} limit 10000`;
    if (rows.length === 0) return 0;
    await removeSubjects(
      transaction,
      rows.map((row) => row.subject),
    );
    await transaction`update watermark set exact_from = revision, exact_ms = appended_ms where stream = ${stream}`;
    return rows.length;
  });
}
