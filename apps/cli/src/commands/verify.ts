/** `periplus verify`: whether the log is whole, and whether tables and caches say what it says. Fails when something does not agree. */
import { readBuild } from '../cluster/build-note.js';
import { type CommandContext, knownCluster } from '../cluster/context.js';
import { runVerifier, type VerifierReport } from '../cluster/verifier.js';
import { CommandFailure } from '../output/command-error.js';
import type { OutputFormat } from '../output/progress.js';
import { formatTable } from '../output/text-table.js';

export interface VerifyOptions {
  readonly name: string;
  readonly output: OutputFormat;
}

/** More are counted, not shown; -o json has them. */
const findingsShownMax = 100;

const number = (value: number): string => value.toLocaleString('en-US');

function formatReport(report: VerifierReport): string {
  const streams = report.streams.map(({ stream, revision, entries, objects, opened, rows, listed }) => [
    stream,
    number(revision),
    number(entries),
    number(objects),
    number(opened),
    rows === undefined ? '-' : number(rows),
    number(Object.values(listed).reduce((sum, count) => sum + count, 0)),
  ]);
  const header = ['STREAM', 'REVISION', 'ENTRIES', 'OBJECTS', 'OPENED', 'ROWS', 'LISTED'];
  const parts = [formatTable(header, streams)];
  if (report.skipped.length > 0) parts.push(['Not compared:', ...report.skipped.map((what) => `  ${what}`)].join('\n'));
  if (report.found === 0) {
    parts.push(report.skipped.length === 0 ? 'All agrees.' : 'What could be compared agrees.');
    return parts.join('\n\n');
  }
  const shown = report.findings.slice(0, findingsShownMax);
  const rows = shown.map(({ where, stream, revision, subject, what }) => [
    where,
    stream,
    String(revision),
    subject,
    what,
  ]);
  parts.push(formatTable(['WHERE', 'STREAM', 'REVISION', 'SUBJECT', 'WHAT'], rows));
  if (report.found > shown.length) parts.push(`and ${number(report.found - shown.length)} more (-o json has them)`);
  return parts.join('\n\n');
}

export async function verify(context: CommandContext, options: VerifyOptions): Promise<void> {
  const cluster = knownCluster(options.name);
  const isWatched = options.output === 'text' && process.stderr.isTTY;
  const report = await runVerifier(readBuild(context.repositoryRoot), cluster, (stream, revision, upTo) => {
    if (isWatched) process.stderr.write(`\r\u001b[K${stream}: ${number(revision)} of ${number(upTo)}`);
  });
  if (isWatched) process.stderr.write('\r\u001b[K');
  process.stdout.write(`${options.output === 'json' ? JSON.stringify(report) : formatReport(report)}\n`);
  if (report.found > 0)
    throw new CommandFailure(`${report.found} ${report.found === 1 ? 'thing does' : 'things do'} not agree`);
}
