/** Upstream's own clients, as processes: kubectl, and a program on client-go that is built from `go-client`. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startLoop, type Traffic } from './traffic.js';

const run = promisify(execFile);

/** What the informer's handler was told. */
export interface Told {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly name: string;
  readonly resourceVersion: string;
}

export interface GoSummary {
  readonly type: 'SUMMARY';
  readonly writes: number;
  readonly retries: number;
  /** Of writes that failed twice. */
  readonly errors: readonly string[];
  readonly lists: number;
  readonly watches: number;
  readonly store: Readonly<Record<string, string>>;
  readonly lastWritten: string;
}

export interface GoClient {
  readonly told: readonly Told[];
  /** Ends its writes, lets the informer see the last of them, and tells what it counted. */
  finish(): Promise<GoSummary>;
  stop(): void;
}

const sourceFolder = join(import.meta.dirname, '..', 'go-client');
const finishLimitMs = 20_000;

export async function startGoClient(kubeconfigFile: string): Promise<GoClient> {
  const folder = mkdtempSync(join(tmpdir(), 'periplus-go-client-'));
  const program = join(folder, 'client');
  await run('go', ['build', '-o', program, '.'], { cwd: sourceFolder });
  const child = spawn(program, [kubeconfigFile], { stdio: ['pipe', 'pipe', 'inherit'] });
  const told: Told[] = [];
  let summary: GoSummary | undefined;
  let isSynced = false;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const value = JSON.parse(line) as Told | GoSummary | { readonly type: 'SYNCED' };
    if (value.type === 'SYNCED') isSynced = true;
    else if (value.type === 'SUMMARY') summary = value;
    else told.push(value);
  });
  const exited = once(child, 'close');
  for (let tries = 0; !isSynced && child.exitCode === null && tries < 200; tries++) await pause(50);
  function stop(): void {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
  if (!isSynced) {
    stop();
    throw new Error('the informer of client-go did not sync');
  }
  return {
    told,
    async finish() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), finishLimitMs);
      await exited;
      clearTimeout(timer);
      if (summary === undefined) throw new Error('the program on client-go ended without its summary');
      return summary;
    },
    stop,
  };
}

export interface KubectlRuns extends Traffic {
  readonly runs: number;
  /** What it said where it failed, twice in a row. */
  readonly failures: readonly string[];
}

/** Runs kubectl again and again; a run that fails is tried once more. */
export function startKubectl(kubeconfigFile: string, argsOf: (run: number) => readonly string[], pauseMs: number) {
  let runs = 0;
  const failures: string[] = [];
  const kubectl = (args: readonly string[]) => run('kubectl', [`--kubeconfig=${kubeconfigFile}`, ...args]);
  const traffic = startLoop(async () => {
    const args = argsOf(runs++);
    await kubectl(args)
      .catch(() => kubectl(args))
      .catch((error: Error) => failures.push(error.message));
  }, pauseMs);
  return {
    get runs() {
      return runs;
    },
    failures,
    stop: traffic.stop,
  } satisfies KubectlRuns;
}

export interface KubectlWatch extends Traffic {
  readonly sessions: number;
  /** Versions, as they were printed. */
  readonly seen: readonly string[];
  /** What was printed as an error. */
  readonly complaints: readonly string[];
}

/** `kubectl get --watch` of one ConfigMap, begun again whenever the server ends it. */
export function startKubectlWatch(kubeconfigFile: string, name: string): KubectlWatch {
  const seen: string[] = [];
  const complaints: string[] = [];
  let sessions = 0;
  let isOver = false;
  let child: ChildProcess | undefined;
  async function watch(): Promise<void> {
    sessions += 1;
    const args = ['get', 'configmap', name, '--watch', '-o', 'jsonpath={.metadata.resourceVersion}{"\\n"}'];
    const running = spawn('kubectl', [`--kubeconfig=${kubeconfigFile}`, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = running;
    createInterface({ input: running.stdout }).on('line', (line) => seen.push(line));
    createInterface({ input: running.stderr }).on('line', (line) => complaints.push(line));
    await once(running, 'close');
    await pause(100);
  }
  const loop = (async () => {
    while (!isOver) await watch();
  })();
  return {
    seen,
    complaints,
    get sessions() {
      return sessions;
    },
    stop() {
      isOver = true;
      child?.kill('SIGTERM');
      return loop;
    },
  };
}
