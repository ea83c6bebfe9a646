/**
 * Holds the projection's tables, as of one moment, against what the log's entries make of them: row by row, by hashes. Rows and
 * entries both come in the order of revisions, so they are compared as two sorted lists are.
 */
import { createHash } from 'node:crypto';
import type postgres from 'postgres';
import { type Revision, toRevision } from '@periplus/api/meta';
import type { StreamName, Subject } from '@periplus/log/event-log';
import { streamNames } from '@periplus/log/object-events';
import type { Commit } from '@periplus/view/projection';
import { connectPostgres, type Sql } from './connection.js';
import { type HistoryRow, planRows, type QuarantineRow } from './row-plan.js';
import { schemaName } from './schema.js';

type Transaction = postgres.TransactionSql<{ revision: number }>;

/** Something in a table that the log does not say, or lacks what it says. */
export interface TableFinding {
  readonly revision: Revision;
  readonly subject: Subject;
  readonly what: string;
}

/** A row without an entry: left over from what the log has forgotten, or made up. */
export interface StrayRow extends TableFinding {
  /** A row of the last entries, and it is of an object that is there. */
  readonly isObject: boolean;
}

/** What the log says of a subject's last entry. */
export interface ExpectedLatest {
  readonly revision: Revision;
  readonly isObject: boolean;
  readonly expiresAtMs?: number;
  /** A later entry that is damaged in the log: it may have been whole when it was projected. */
  readonly damaged?: Revision;
}

export interface TableAudit {
  readonly findings: readonly TableFinding[];
  readonly strays: readonly StrayRow[];
  /** Rows compared. */
  readonly rows: number;
  /** Commits up to the snapshot's position, in order and without a gap. */
  take(commits: readonly Commit[]): Promise<void>;
  /** After the last commit: what is behind it, and the table of last entries. */
  end(latest: ReadonlyMap<Subject, ExpectedLatest>, nowMs: number): Promise<void>;
}

export interface StoredKind {
  readonly group: string;
  readonly resource: string;
  /** In which its objects are stored, or most of them. */
  readonly apiVersion: string;
}

export interface ProjectionSnapshot {
  /** Where the projection of each stream is. */
  readonly positions: ReadonlyMap<StreamName, { readonly revision: Revision; readonly clusterId: string }>;
  /** Those of which there are objects. */
  kinds(stream: StreamName): Promise<readonly StoredKind[]>;
  /** The first entries after a revision. */
  entriesAfter(
    stream: StreamName,
    revision: Revision,
  ): Promise<readonly { readonly revision: Revision; readonly subject: Subject }[]>;
  audit(stream: StreamName): TableAudit;
}

const portion = 1_000;

/** A column of `history`, and what it is to hold. */
const columns: readonly (readonly [column: string, field: keyof HistoryRow])[] = [
  ['commit_revision', 'commitRevision'],
  ['subject', 'subject'],
  ['api_group', 'group'],
  ['resource', 'resource'],
  ['namespace', 'namespace'],
  ['name', 'name'],
  ['sort_name', 'sortName'],
  ['verb', 'verb'],
  ['uid', 'uid'],
  ['api_version', 'apiVersion'],
  ['kind', 'kind'],
  ['subresource', 'subresource'],
  ['actor', 'actor'],
  ['user_agent', 'userAgent'],
  ['request_id', 'requestId'],
  ['change_id', 'changeId'],
  ['cause_revision', 'causeRevision'],
  ['parent', 'parent'],
  ['appended_ms', 'appendedMs'],
  ['object_at', 'objectAt'],
  ['object_length', 'objectLength'],
];

interface FoundRow extends Readonly<Record<string, unknown>> {
  readonly revision: number;
  readonly subject: string;
  readonly digest: string;
}

interface FoundLatest {
  readonly subject: string;
  readonly revision: number;
  readonly is_object: boolean;
  readonly expires_ms: number | null;
}

const digestOf = (entry: Uint8Array): string => createHash('sha256').update(entry).digest('hex');

function differences(expected: HistoryRow, found: FoundRow): string | undefined {
  const wrong = columns.filter(([column, field]) => found[column] !== expected[field]).map(([column]) => column);
  if (digestOf(expected.entry) !== found.digest) wrong.unshift('entry');
  return wrong.length === 0 ? undefined : `has another ${wrong.join(', ')} than the log`;
}

function createTableAudit(transaction: Transaction, stream: StreamName): TableAudit {
  const findings: TableFinding[] = [];
  const strays: StrayRow[] = [];
  const quarantined = new Map<number, string>();
  const notSetAside: { readonly revision: Revision; readonly subject: Subject }[] = [];
  let quarantineIsLoaded = false;
  let rows = 0;
  let waiting: readonly FoundRow[] = [];
  let next = 0;
  let last = 0;
  let isEnd = false;

  async function peek(): Promise<FoundRow | undefined> {
    if (next < waiting.length || isEnd) return waiting[next];
    waiting = await transaction<FoundRow[]>`
      select revision, encode(sha256(entry), 'hex') as digest, ${transaction(columns.map(([column]) => column))}
      from history where stream = ${stream} and revision > ${last} order by revision limit ${portion}`;
    next = 0;
    isEnd = waiting.length < portion;
    last = waiting.at(-1)?.revision ?? last;
    return waiting[0];
  }

  const stray = ({ revision, subject }: { revision: number; subject: string }, what: string, isObject = false): void =>
    void strays.push({ revision: toRevision(revision), subject, what, isObject });
  const report = (revision: Revision, subject: Subject, what: string): void =>
    void findings.push({ revision, subject, what });

  async function compare(expected: HistoryRow): Promise<void> {
    const { revision, subject } = expected;
    let found = await peek();
    for (; found !== undefined && found.revision < revision; found = await peek()) {
      stray(found, 'has an entry that the log does not have');
      next += 1;
    }
    if (found?.revision !== revision) {
      report(revision, subject, 'lacks this entry');
      return;
    }
    next += 1;
    rows += 1;
    const what = differences(expected, found);
    if (what !== undefined) report(revision, subject, what);
  }

  async function compareQuarantined({ revision, subject, entry }: QuarantineRow): Promise<void> {
    if (!quarantineIsLoaded) {
      const found = await transaction<{ revision: number; digest: string }[]>`
        select revision, encode(sha256(entry), 'hex') as digest from quarantine where stream = ${stream}`;
      for (const row of found) quarantined.set(row.revision, row.digest);
      quarantineIsLoaded = true;
    }
    const digest = quarantined.get(revision);
    if (digest === undefined) notSetAside.push({ revision, subject });
    else if (digest !== digestOf(entry)) report(revision, subject, 'has set aside another entry than the log has');
  }

  async function compareLatest(latest: ReadonlyMap<Subject, ExpectedLatest>, nowMs: number): Promise<void> {
    const missing = new Set(latest.keys());
    let after = '';
    for (;;) {
      const found = await transaction<FoundLatest[]>`
        select subject, revision, is_object, expires_ms from latest
        where stream = ${stream} and subject collate "C" > ${after} order by subject collate "C" limit ${portion}`;
      for (const row of found) {
        const expected = latest.get(row.subject);
        missing.delete(row.subject);
        rows += 1;
        if (expected === undefined) {
          stray(row, 'has this as the last entry of its subject, of which the log has nothing', row.is_object);
          continue;
        }
        if (expected.damaged !== undefined && row.revision === expected.damaged) continue;
        const isSame =
          row.revision === expected.revision &&
          row.is_object === expected.isObject &&
          row.expires_ms === (expected.expiresAtMs ?? null);
        if (!isSame)
          report(
            expected.revision,
            row.subject,
            `has ${row.revision} as the last entry of this subject${row.is_object === expected.isObject ? '' : row.is_object ? ', and an object' : ', and no object'}`,
          );
      }
      const end = found.at(-1);
      if (end === undefined || found.length < portion) break;
      after = end.subject;
    }
    for (const subject of missing) {
      const { revision, expiresAtMs } = latest.get(subject)!;
      // What is at its end may have been swept a moment earlier here.
      if (expiresAtMs === undefined || expiresAtMs > nowMs)
        report(revision, subject, 'does not have this as the last entry of its subject');
    }
  }

  return {
    findings,
    strays,
    get rows() {
      return rows;
    },
    async take(commits) {
      if (commits.length === 0) return;
      const plan = planRows(stream, commits);
      for (const expected of plan.history) await compare(expected);
      for (const expected of plan.quarantine) await compareQuarantined(expected);
    },
    async end(latest, nowMs) {
      for (let found = await peek(); found !== undefined; found = await peek()) {
        stray(found, 'has an entry that the log does not have');
        next += 1;
      }
      // One that was whole when it was projected is a row of history still.
      const whole = new Set(strays.map(({ revision }) => revision));
      for (const { revision, subject } of notSetAside)
        if (!whole.has(revision)) report(revision, subject, 'has neither this entry nor set it aside');
      await compareLatest(latest, nowMs);
    },
  };
}

/** Runs `work` on one consistent state of the projection; undefined when there is none. Rejects when Postgres can't be asked. */
export async function withProjectionSnapshot<T>(
  postgresUrl: string,
  work: (snapshot: ProjectionSnapshot) => Promise<T>,
): Promise<{ readonly result: T } | undefined> {
  const sql: Sql = connectPostgres({ url: postgresUrl, connections: 1, schema: schemaName, statementLimitMs: 0 });
  try {
    const [schema] = await sql`select 1 as found from pg_namespace where nspname = ${schemaName}`;
    if (schema === undefined) return undefined;
    return await sql.begin('isolation level repeatable read read only', async (transaction) => {
      const rows = await transaction<{ stream: StreamName; revision: number; cluster_id: string }[]>`
        select stream, revision, cluster_id from watermark`;
      if (streamNames.some((stream) => !rows.some((row) => row.stream === stream))) return undefined;
      const positions = new Map(
        rows.map((row) => [row.stream, { revision: toRevision(row.revision), clusterId: row.cluster_id }]),
      );
      const result = await work({
        positions,
        async kinds(stream) {
          const kinds = await transaction<{ api_group: string; resource: string; api_version: string }[]>`
            select distinct on (h.api_group, h.resource) h.api_group, h.resource, h.api_version
            from latest l join history h using (stream, revision) where l.stream = ${stream} and l.is_object
            group by h.api_group, h.resource, h.api_version
            order by h.api_group, h.resource, count(*) desc`;
          return kinds.map((kind) => ({
            group: kind.api_group,
            resource: kind.resource,
            apiVersion: kind.api_version,
          }));
        },
        async entriesAfter(stream, revision) {
          const found = await transaction<{ revision: number; subject: string }[]>`
            select revision, subject from history where stream = ${stream} and revision > ${revision}
            order by revision limit ${portion}`;
          return found.map((row) => ({ subject: row.subject, revision: toRevision(row.revision) }));
        },
        audit: (stream) => createTableAudit(transaction, stream),
      });
      return { result };
    });
  } finally {
    await sql.end({ timeout: 1 });
  }
}
