/**
 * The projection's tables. The schema's name carries its version: a new layout is a new schema, built by reading the log anew.
 *
 * `history` has every retained entry once, with the entry's bytes; `latest` names the last entry of each subject; `floor` and
 * `watermark.exact_from` say from where on the past is whole. What people
 * query are the views `objects` and `object_history`, which show an object's JSON cut out of the entry (null when sealed).
 */
import type { Sql } from './connection.js';

export const schemaName = 'periplus_v2';

/**
 * `sort_name` is `namespace/name`, in the order of its UTF-8 bytes, as upstream's store has it; in a floor it is empty when the
 * floor is the resource's. `built` is where the log ended when the building began: until then there is no past to be read.
 */
const statements: readonly string[] = [
  `create schema ${schemaName}`,
  `create table ${schemaName}.watermark (
    stream text primary key,
    revision bigint not null,
    appended_ms bigint not null,
    cluster_id text not null,
    built bigint not null,
    exact_from bigint not null,
    exact_ms bigint not null
  )`,
  `create table ${schemaName}.floor (
    stream text not null,
    api_group text not null,
    resource text not null,
    sort_name text collate "C" not null,
    revision bigint not null,
    at_ms bigint not null,
    primary key (stream, api_group, resource, sort_name)
  )`,
  `create table ${schemaName}.history (
    stream text not null,
    revision bigint not null,
    commit_revision bigint not null,
    subject text not null,
    api_group text not null,
    resource text not null,
    namespace text not null,
    name text not null,
    sort_name text collate "C" not null,
    verb text not null,
    uid text not null,
    api_version text not null,
    kind text not null,
    subresource text not null,
    actor text not null,
    user_agent text not null,
    request_id text not null,
    change_id text not null,
    cause_revision bigint,
    parent bigint not null,
    appended_ms bigint not null,
    entry bytea not null,
    object_at integer,
    object_length integer,
    primary key (stream, revision)
  )`,
  `create index history_by_object on ${schemaName}.history (api_group, resource, sort_name, commit_revision desc, revision desc)`,
  `create index history_by_resource on ${schemaName}.history (stream, api_group, resource, revision)`,
  `create index history_by_subject on ${schemaName}.history (subject, revision)`,
  `create index history_by_time on ${schemaName}.history (stream, appended_ms, commit_revision)`,
  `create index history_by_request on ${schemaName}.history (request_id) where request_id <> ''`,
  `create table ${schemaName}.latest (
    subject text primary key,
    stream text not null,
    revision bigint not null,
    api_group text not null,
    resource text not null,
    sort_name text collate "C" not null,
    is_object boolean not null,
    expires_ms bigint
  )`,
  `create index latest_by_resource on ${schemaName}.latest (api_group, resource, sort_name) where is_object`,
  `create index latest_by_stream on ${schemaName}.latest (stream, revision)`,
  `create index latest_by_expiry on ${schemaName}.latest (stream, expires_ms) where expires_ms is not null`,
  `create table ${schemaName}.quarantine (
    stream text not null,
    revision bigint not null,
    subject text not null,
    reason text not null,
    entry bytea not null,
    primary key (stream, revision)
  )`,
  `create view ${schemaName}.object_history as
    select revision, verb, api_group, resource, namespace, name, uid, api_version, kind, subresource,
      actor, user_agent, change_id, request_id, cause_revision, parent, to_timestamp(appended_ms / 1000.0) as appended_at,
      convert_from(substring(entry from object_at + 1 for object_length), 'UTF8')::json as object, stream
    from ${schemaName}.history where verb <> 'system'`,
  `create view ${schemaName}.objects as
    select h.* from ${schemaName}.latest l join ${schemaName}.object_history h using (stream, revision) where l.is_object`,
];

/** Makes the schema whole or not at all; `isDuplicate` tells that somebody else was first. */
export async function createSchema(sql: Sql): Promise<void> {
  await sql.begin(async (transaction) => {
    for (const statement of statements) await transaction.unsafe(statement);
  });
}

export async function dropSchema(sql: Sql): Promise<void> {
  await sql.unsafe(`drop schema if exists ${schemaName} cascade`);
}

/** Drops the schemas of older versions, which nobody fills any more; says which. */
export async function dropOlderSchemas(sql: Sql): Promise<readonly string[]> {
  const current = Number(schemaName.slice('periplus_v'.length));
  const rows = await sql<
    { name: string }[]
  >`select nspname as name from pg_namespace where nspname ~ '^periplus_v[0-9]+$'`;
  const older = rows.map(({ name }) => name).filter((name) => Number(name.slice('periplus_v'.length)) < current);
  for (const name of older) await sql`drop schema ${sql(name)} cascade`;
  return older;
}

export async function hasSchema(sql: Sql): Promise<boolean> {
  const [row] = await sql`select 1 as found from pg_namespace where nspname = ${schemaName}`;
  return row !== undefined;
}
