/** Verifies all streams, as of where the projection is; without Postgres, of where the log is. */
import type { Revision } from '@periplus/api/meta';
import type { EventLog, StreamName } from '@periplus/log/event-log';
import { decodeObjectEvent, type Sealer, streamNames } from '@periplus/log/object-events';
import { type ProjectionSnapshot, withProjectionSnapshot } from '@periplus/view/postgres-view';
import type { Finding } from '@periplus/view/verification';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiserverClient } from './apiserver-lists.js';
import type { StreamReport, VerifierLine } from './report.js';
import { verifyStream } from './verify-stream.js';

export interface VerifyClusterOptions {
  readonly log: EventLog;
  readonly postgresUrl: string | undefined;
  readonly sealer: Sealer | undefined;
  readonly apiservers: readonly ApiserverClient[];
  onLine(line: VerifierLine): void;
}

type Report = Extract<VerifierLine, { readonly type: 'report' }>;

const findingsMax = 10_000;
/** How long the projection may take to get to where the log is. */
const projectionWaitMs = 15_000;
const pollMs = 200;
const progressIntervalMs = 1_000;

async function endsOf(log: EventLog): Promise<Map<StreamName, Revision>> {
  const ends = new Map<StreamName, Revision>();
  for (const stream of streamNames) ends.set(stream, await log.lastRevision(stream));
  return ends;
}

async function clusterIdOf(log: EventLog, stream: StreamName): Promise<string | undefined> {
  const entry = await log.entry(stream, await log.firstRevision(stream));
  const decoded = entry && decodeObjectEvent(entry.payload);
  const system = decoded?.outcome === 'event' ? decoded.event.system : undefined;
  return system?.type === 'genesis' ? system.clusterId : undefined;
}

export async function verifyCluster(options: VerifyClusterOptions): Promise<Report> {
  const { log, postgresUrl, onLine } = options;
  const ends = await endsOf(log);
  const findings: Finding[] = [];
  const streams: StreamReport[] = [];
  const skipped: string[] = [];

  async function verifyAll(snapshot: ProjectionSnapshot | undefined): Promise<void> {
    for (const stream of streamNames) {
      const end = ends.get(stream)!;
      const position = snapshot?.positions.get(stream)?.revision;
      const isReached = position !== undefined && position >= end;
      if (position !== undefined && !isReached)
        skipped.push(`the tables of ${stream}: they are at ${position}, the log at ${end}`);
      const upTo = isReached ? position : end;
      let saidMs = 0;
      const verdict = await verifyStream({
        ...options,
        stream,
        upTo,
        projection: isReached ? snapshot : undefined,
        onProgress(revision) {
          if (performance.now() - saidMs < progressIntervalMs) return;
          saidMs = performance.now();
          onLine({ type: 'progress', stream, revision, upTo });
        },
        onSkipped: (what) => void skipped.push(what),
      });
      streams.push(verdict.report);
      findings.push(...verdict.findings);
    }
  }

  /** Undefined: not there yet, or of another log. */
  async function isUsable({ positions, entriesAfter }: ProjectionSnapshot): Promise<'yes' | 'behind' | 'other'> {
    for (const stream of streamNames) {
      const { revision, clusterId } = positions.get(stream)!;
      const own = await clusterIdOf(log, stream);
      const end = await log.lastRevision(stream);
      const isOther = own !== undefined && own !== clusterId;
      if (isOther || revision > end) {
        const what = isOther
          ? `is the projection of another log, of cluster ${clusterId}`
          : `is at ${revision}, beyond the log's end: the log lost entries`;
        findings.push({ where: 'postgres', stream, revision: end, subject: '', what });
        for (const row of isOther ? [] : await entriesAfter(stream, end))
          findings.push({ where: 'postgres', stream, ...row, what: "has an entry beyond the log's end" });
        return 'other';
      }
      if (revision < ends.get(stream)!) return 'behind';
    }
    return 'yes';
  }

  async function withTables(url: string): Promise<'done' | 'behind' | 'unusable'> {
    const outcome = await withProjectionSnapshot(url, async (snapshot) => {
      const usable = await isUsable(snapshot);
      if (usable === 'yes') await verifyAll(snapshot);
      return usable;
    });
    if (outcome === undefined) return 'behind';
    return outcome.result === 'yes' ? 'done' : outcome.result === 'behind' ? 'behind' : 'unusable';
  }

  let isDone = false;
  if (postgresUrl === undefined) skipped.push('the tables: no Postgres is configured');
  else {
    const deadline = performance.now() + projectionWaitMs;
    try {
      let outcome = await withTables(postgresUrl);
      while (outcome === 'behind' && performance.now() < deadline) {
        await sleep(pollMs);
        outcome = await withTables(postgresUrl);
      }
      isDone = outcome === 'done';
      if (outcome === 'behind') skipped.push('the tables: the projection does not get to where the log is');
    } catch (error) {
      if (streams.length > 0 || !isOfPostgres(error)) throw error;
      skipped.push(`the tables: Postgres can not be asked: ${(error as Error).message}`);
    }
  }
  if (!isDone) await verifyAll(undefined);
  return { type: 'report', streams, findings: findings.slice(0, findingsMax), found: findings.length, skipped };
}

/** Any failure that names neither the log nor an apiserver. */
function isOfPostgres(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code !== 'LOG_UNAVAILABLE' && code !== 'LOG_SILENT' && code !== 'APISERVER';
}
