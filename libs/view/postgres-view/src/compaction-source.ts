/** What has ended, from the projection's tables; and their rows, once it has gone from the log. */
import { type Revision, toRevision } from '@periplus/api/meta';
import type { StreamName, Subject } from '@periplus/log/event-log';
import { confidentialResources, parseSubject } from '@periplus/log/object-events';
import type { CompactionSource, End, EndQuestion } from '@periplus/view/retention';
import { arrayLiteral } from './array-literal.js';
import type { Sql } from './connection.js';

interface EndRow {
  readonly subject: Subject;
  readonly revision: number;
  readonly commit_revision: number;
  readonly appended_ms: number;
  readonly verb: string;
}

function toEnd(row: EndRow): End {
  const key = parseSubject(row.subject)?.key;
  return {
    subject: row.subject,
    ...(key ? { key } : {}),
    revision: toRevision(row.revision),
    commitRevision: toRevision(row.commit_revision),
    timestampMs: row.appended_ms,
    isTombstone: row.verb === 'delete',
  };
}

export function createCompactionSource(sql: Sql, positionOf: (stream: StreamName) => Revision): CompactionSource {
  /** The last revision that was appended at or before a time, by the order of times. */
  async function revisionAt(stream: StreamName, untilMs: number): Promise<number> {
    const [row] = await sql<{ revision: number }[]>`
      select revision from history where stream = ${stream} and appended_ms <= ${untilMs}
      order by appended_ms desc, commit_revision desc limit 1`;
    return row?.revision ?? 0;
  }

  return {
    async latestMs() {
      const [row] = await sql<{ latest: number | null }[]>`select max(appended_ms) as latest from watermark`;
      return row?.latest ?? 0;
    },
    reached: (stream) => Promise.resolve(positionOf(stream)),
    async resources(stream) {
      // A loose scan: the next resource behind the last one, by the index.
      const rows = await sql<{ api_group: string; resource: string }[]>`
        with recursive found as (
          (select api_group, resource from history where stream = ${stream} order by api_group, resource limit 1)
          union all
          select n.api_group, n.resource from found f cross join lateral (
            select h.api_group, h.resource from history h
            where h.stream = ${stream} and (h.api_group, h.resource) > (f.api_group, f.resource)
            order by h.api_group, h.resource limit 1) n)
        select api_group, resource from found where resource <> ''`;
      return rows.map((row) => ({ group: row.api_group, resource: row.resource }));
    },
    async endsByAge({ stream, resource, after, untilMs, limit }: EndQuestion) {
      const upTo = await revisionAt(stream, untilMs);
      const rows = await sql<(EndRow & { ends: boolean })[]>`
        select h.subject, h.revision, h.commit_revision, h.appended_ms, h.verb,
          h.verb = 'delete'
            or exists (select 1 from history o where o.subject = h.subject and o.revision < h.revision)
            or exists (select 1 from quarantine q where q.stream = h.stream and q.subject = h.subject
                and q.revision < h.revision) as ends
        from history h
        where h.stream = ${stream} and h.api_group = ${resource.group} and h.resource = ${resource.resource}
          and h.revision > ${after} and h.revision <= ${upTo}
        order by h.revision limit ${limit}`;
      // Where the log's clock went back, what is younger waits, and all behind it.
      const young = rows.findIndex((row) => row.appended_ms > untilMs);
      const old = young === -1 ? rows : rows.slice(0, young);
      return {
        ends: old.filter((row) => row.ends).map(toEnd),
        reached: toRevision(old.at(-1)?.revision ?? after),
        isLast: young !== -1 || rows.length < limit,
      };
    },
    async endsByCount({ stream, resource, after, untilMs, limit, keep }) {
      const upTo = await revisionAt(stream, untilMs);
      const touched = await sql<{ revision: number; subject: string }[]>`
        select h.revision, h.subject from history h
        where h.stream = ${stream} and h.api_group = ${resource.group} and h.resource = ${resource.resource}
          and h.revision > ${after} and h.revision <= ${upTo}
        order by h.revision limit ${limit}`;
      const subjects = [...new Set(touched.map((row) => row.subject))];
      const rows =
        subjects.length === 0
          ? []
          : await sql<EndRow[]>`
              select e.* from unnest(${arrayLiteral(subjects)}::text[]) s (subject)
              cross join lateral (
                select h.subject, h.revision, h.commit_revision, h.appended_ms, h.verb from history h
                where h.subject = s.subject and h.revision <= ${upTo}
                order by h.revision desc offset ${keep} limit 1) e
              where exists (select 1 from history o where o.subject = e.subject and o.revision < e.revision)
              order by e.revision`;
      return {
        ends: rows.map(toEnd),
        reached: toRevision(touched.at(-1)?.revision ?? after),
        isLast: touched.length < limit,
      };
    },
    async tombstonesOf(stream, end) {
      const rows = await sql<{ revision: number }[]>`
        select revision from history where stream = ${stream} and subject = ${end.subject}
          and revision <= ${end.revision} and verb = 'delete' order by revision`;
      return rows.map((row) => toRevision(row.revision));
    },
    async unknownKeys(keyIds) {
      const known = new Set<string>();
      for (const { group, resource } of confidentialResources) {
        const rows = await sql<{ uid: string }[]>`
          select distinct uid from history where stream = 'objects' and api_group = ${group} and resource = ${resource}`;
        for (const { uid } of rows) known.add(uid);
      }
      return keyIds.filter((keyId) => !known.has(keyId));
    },
    async forget(stream, ends) {
      await sql.begin(async (transaction) => {
        const subjects = arrayLiteral(ends.map((end) => end.subject));
        const revisions = arrayLiteral(ends.map((end) => end.revision));
        for (const table of ['history', 'quarantine'])
          await transaction`
            delete from ${sql(table)} t
            using unnest(${subjects}::text[], ${revisions}::bigint[]) as e (subject, revision)
            where t.stream = ${stream} and t.subject = e.subject and t.revision < e.revision`;
        const gone = ends.filter((end) => end.isTombstone);
        if (gone.length === 0) return;
        const lastSubjects = arrayLiteral(gone.map((end) => end.subject));
        const lastRevisions = arrayLiteral(gone.map((end) => end.revision));
        for (const table of ['history', 'latest'])
          await transaction`
            delete from ${sql(table)} t
            using unnest(${lastSubjects}::text[], ${lastRevisions}::bigint[]) as e (subject, revision)
            where t.stream = ${stream} and t.subject = e.subject and t.revision = e.revision`;
      });
    },
  };
}
