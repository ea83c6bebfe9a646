/** Runs the verifier, the process that may see the log and the tables, with the cluster's own certificates. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CommandFailure } from '../output/command-error.js';
import type { Build } from './build-note.js';
import type { KnownCluster } from './context.js';
import { type ConfigValue, serviceConfigs } from './service-configs.js';

/** See `apps/verifier/src/report.ts`. */
export interface VerifierReport {
  readonly streams: readonly {
    readonly stream: string;
    readonly revision: number;
    readonly entries: number;
    readonly objects: number;
    readonly opened: number;
    readonly rows?: number;
    readonly listed: Readonly<Record<string, number>>;
  }[];
  readonly findings: readonly {
    readonly where: string;
    readonly stream: string;
    readonly revision: number;
    readonly subject: string;
    readonly what: string;
  }[];
  readonly found: number;
  readonly skipped: readonly string[];
}

type VerifierLine =
  | { readonly type: 'progress'; readonly stream: string; readonly revision: number; readonly upTo: number }
  | ({ readonly type: 'report' } & VerifierReport);

/** Of what it complains, the end is shown. */
const complaintCharsMax = 2_000;

function argumentsOf({ plan, paths }: KnownCluster): string[] {
  const { apiserver } = serviceConfigs(plan, paths);
  const taken = ['natsUrl', 'natsCaFile', 'natsCertFile', 'natsKeyFile', 'postgresUrl', 'clusterKeyFile'];
  const options: Readonly<Record<string, ConfigValue | undefined>> = {
    ...Object.fromEntries(taken.map((name) => [name, apiserver[name]])),
    apiserver: `https://127.0.0.1:${plan.ports.apiserver}`,
    caFile: join(paths.pki, 'ca.crt'),
    certFile: join(paths.pki, 'admin.crt'),
    keyFile: join(paths.pki, 'admin.key'),
  };
  return Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}=${String(value)}`],
  );
}

export async function runVerifier(
  build: Build,
  cluster: KnownCluster,
  onProgress: (stream: string, revision: number, upTo: number) => void,
): Promise<VerifierReport> {
  const child = spawn(process.execPath, [build.appFile('verifier'), ...argumentsOf(cluster)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-complaintCharsMax);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  let report: VerifierReport | undefined;
  for await (const text of createInterface(child.stdout)) {
    const line = JSON.parse(text) as VerifierLine | { readonly type?: undefined };
    if (line.type === 'progress') onProgress(line.stream, line.revision, line.upTo);
    else if (line.type === 'report') report = line;
    else complaints = `${complaints}${text}\n`.slice(-complaintCharsMax);
  }
  const code = await ended;
  if (report !== undefined && code === 0) return report;
  throw new CommandFailure(`the verifier ended with ${code}`, { hint: complaints.trim() });
}
