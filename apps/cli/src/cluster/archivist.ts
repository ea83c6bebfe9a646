/** Runs the archivist, the program that reads and fills the log for back-ups, and takes what it says apart. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ClusterPaths, ClusterPlan } from '@periplus/ops/dependencies';
import { CommandFailure, exitCodes } from '../output/command-error.js';
import type { Build } from './build-note.js';

export interface Moment {
  readonly revision: number;
  readonly time: string;
}

/** As the archivist reports them; see `apps/archivist/src/report.ts`. */
export interface ArchivistReports {
  readonly save: {
    readonly run: number;
    readonly entries: number;
    readonly bytes: number;
    readonly totalEntries: number;
    readonly size: number;
    readonly from: number;
    readonly revision: number;
    readonly time: string;
    readonly keys: number;
    readonly unreadable: number;
    readonly torn: number;
  };
  readonly look: {
    readonly clusterId: string;
    readonly notes: Readonly<Record<string, string>>;
    readonly saved: string;
  };
  readonly check: {
    readonly clusterId: string;
    readonly runs: number;
    readonly saved: string;
    readonly size: number;
    readonly earliest: Moment;
    readonly latest: Moment;
    readonly cut: Moment;
    readonly entries: number;
    readonly inexact: readonly string[];
    readonly torn: number;
  };
  readonly restore: {
    readonly from: string;
    readonly cut: Moment;
    readonly entries: number;
    readonly events: number;
    readonly firstRevision: number;
    readonly revision: number;
    readonly keys?: number;
    readonly inexact: readonly string[];
  };
}

export type ArchivistTask = keyof ArchivistReports;

type Line =
  | { readonly type: 'progress'; readonly text: string }
  | { readonly type: 'failure'; readonly code: string; readonly message: string }
  | { readonly type: string; readonly report: unknown };

/** What to do about it, by the archivist's code. */
export type Hints = Readonly<Record<string, string>>;

/** Codes that say what is wrong with the file; with the first ones it is none that this program could use. */
const uselessFile: ReadonlySet<string> = new Set(['NOT_AN_ARCHIVE', 'ARCHIVE_DAMAGED', 'ARCHIVE_EMPTY']);
const aboutFile: ReadonlySet<string> = new Set([...uselessFile, 'OTHER_LOG', 'HISTORY_GONE', 'OUT_OF_REACH']);

const errorCharsMax = 2_000;

/** How the archivist reaches the cluster's log: as the apiserver does, for it reads the keys too. */
export function logArguments(plan: ClusterPlan, paths: ClusterPaths): readonly string[] {
  const pki = (file: string): string => join(paths.pki, file);
  return [
    ...['--nats-url', `tls://127.0.0.1:${plan.ports.nats}`, '--nats-ca-file', pki('nats-ca.crt')],
    ...['--nats-cert-file', pki('nats-apiserver.crt'), '--nats-key-file', pki('nats-apiserver.key')],
    ...['--cluster-key-file', pki('cluster.key')],
  ];
}

const isFailure = (line: Line): line is Extract<Line, { code: string }> => line.type === 'failure';

function failureOf(file: string, { code, message }: Extract<Line, { code: string }>, hints: Hints): CommandFailure {
  const hint = hints[code];
  return new CommandFailure(aboutFile.has(code) ? `${file}: ${message}` : message, {
    exitCode: uselessFile.has(code) ? exitCodes.usage : exitCodes.failed,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Resolves with the task's report. Fails with what the archivist says, and with the hint for its code. */
export async function runArchivist<Task extends ArchivistTask>(
  build: Build,
  task: Task,
  file: string,
  args: readonly string[],
  note: (message: string) => void,
  hints: Hints = {},
): Promise<ArchivistReports[Task]> {
  const argv = [build.appFile('archivist'), '--task', task, '--file', file, ...args];
  // Its input is never written to: when this process is gone, however it ends, the archivist ends too.
  const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  let last: Line | undefined;
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr = `${stderr}${chunk.toString()}`.slice(-errorCharsMax)));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as Line;
    if (line.type === 'progress' && 'text' in line) note(line.text);
    else last = line;
  }
  const code = await ended;
  if (last !== undefined && isFailure(last)) throw failureOf(file, last, hints);
  if (code !== 0 || last === undefined || !('report' in last))
    throw new CommandFailure(`the archivist ended with ${code}: ${stderr.trim()}`);
  return last.report as ArchivistReports[Task];
}
