/** One service under supervision: started, watched, restarted when it dies, stopped on request, adopted when it already runs. */
import { spawn } from 'node:child_process';
import { closeSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { probeHealth } from './health-probe.js';
import { openLogFile } from './log-file.js';
import {
  isSameProcess,
  type ProcessIdentity,
  processIdentity,
  residentBytes,
  signalProcess,
} from './process-identity.js';
import { evolveFailures, type FailureSeries, noFailures, restartDelayMs } from './restart-policy.js';
import type { ServiceSpec, ServiceState, ServiceStatus } from './service-spec.js';

/** How often a process that is not our child is looked at. */
const adoptedPollMs = 200;
const readyPollMs = 20;
/** How often, and how often in a row, somebody must say that a service has to be started again. */
const unwellPollMs = 1_000;
const unwellAnswers = 3;

/** What is kept on disk about a running process, so that the next supervisor finds it. */
export interface RunRecord extends ProcessIdentity {
  readonly digest: string;
  readonly startedAt: number;
  readonly stopSignal: ServiceSpec['stopSignal'];
}

/** What happened to a service, for the supervisor's log. */
export interface ServiceEvent {
  readonly service: string;
  readonly event:
    | 'started'
    | 'adopted'
    | 'exited'
    | 'start-failed'
    | 'not-recorded'
    | 'hung'
    | 'unwell'
    | 'stopping'
    | 'stopped'
    | 'killed'
    | 'log-not-rotated';
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface SupervisedService {
  readonly spec: ServiceSpec;
  /** Takes another spec of the same digest: what the process has read is the same, its place among the others may not be. */
  revise(spec: ServiceSpec): void;
  /** Starts it, or adopts the process that an earlier supervisor started from the same spec. */
  start(): Promise<void>;
  /** Asks once whether it hangs; one that has been silent for too many checks is ended, and so started again. */
  checkHang(timeoutMs: number): Promise<void>;
  /** Resolves once the probe says ready; false when the service is stopped first or the deadline passes. */
  waitReady(timeoutMs: number): Promise<boolean>;
  /** Ends the process and does not start another. Resolves when it is gone. */
  stop(): Promise<void>;
  /** Leaves the process running and no longer cares for it. */
  release(): void;
  status(): Promise<ServiceStatus>;
}

/** Undefined when there is none. */
export function readRecord(path: string): RunRecord | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as RunRecord;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function writeRecord(path: string, record: RunRecord): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, JSON.stringify(record), { mode: 0o600 });
  renameSync(temporary, path);
}

function forgetRecord(path: string, ended: RunRecord): void {
  // Its successor under another supervised service may have written its own already.
  const noted = readRecord(path);
  if (noted?.pid !== ended.pid || noted.startTicks !== ended.startTicks) return;
  try {
    rmSync(path);
  } catch (error) {
    // A record of a process that is gone says nothing to anybody, so on a disk that became read-only it may stay.
    if ((error as NodeJS.ErrnoException).code !== 'EROFS') throw error;
  }
}

/** Resolves when the process is gone. */
export async function endProcess(
  running: ProcessIdentity,
  spec: Pick<ServiceSpec, 'stopSignal' | 'stopTimeoutMs'>,
): Promise<'ended' | 'killed'> {
  signalProcess(running.pid, spec.stopSignal);
  const deadline = performance.now() + spec.stopTimeoutMs;
  while (isSameProcess(running)) {
    if (performance.now() > deadline) {
      signalProcess(running.pid, 'SIGKILL');
      while (isSameProcess(running)) await sleep(10);
      return 'killed';
    }
    await sleep(10);
  }
  return 'ended';
}

/** `recordPath` is the file about the running process; `report` gets every event. */
export function createSupervisedService(
  firstSpec: ServiceSpec,
  recordPath: string,
  report: (event: ServiceEvent) => void,
): SupervisedService {
  let spec = firstSpec;
  let state: ServiceState = 'waiting';
  let running: RunRecord | undefined;
  let failures: FailureSeries = noFailures;
  let restarts = 0;
  let lastExit: ServiceStatus['lastExit'];
  let restartTimer: NodeJS.Timeout | undefined;
  let silentChecks = 0;

  const onExit = (exitCode: number | null, signal: string | null): void => {
    const runMs = running === undefined ? 0 : Date.now() - running.startedAt;
    if (running !== undefined) forgetRecord(recordPath, running);
    running = undefined;
    lastExit = { exitCode, signal, at: Date.now() };
    report({ service: spec.name, event: 'exited', detail: { exitCode, signal, runMs } });
    if (state === 'stopped') return;
    failures = evolveFailures(failures, runMs);
    state = 'restarting';
    restartTimer = setTimeout(
      () => {
        restarts += 1;
        launch();
      },
      restartDelayMs(failures, Math.random()),
    );
  };

  /** Fails where the log cannot be opened, as on a disk that became read-only. */
  const spawnService = () => {
    const log = openLogFile(spec.logFile);
    try {
      return spawn(spec.command, spec.args, {
        detached: true,
        env: { ...spec.env },
        stdio: ['ignore', log, log],
        ...(spec.user ?? {}),
      });
    } finally {
      closeSync(log);
    }
  };

  const note = (record: RunRecord): void => {
    try {
      writeRecord(recordPath, record);
    } catch (error) {
      // On a full disk it runs on without: `up` and `down` know it by its command line too.
      report({ service: spec.name, event: 'not-recorded', detail: { message: (error as Error).message } });
    }
  };

  const launch = (): void => {
    state = 'running';
    let child: ReturnType<typeof spawnService>;
    try {
      child = spawnService();
    } catch (error) {
      report({ service: spec.name, event: 'start-failed', detail: { message: (error as Error).message } });
      onExit(null, null);
      return;
    }
    const identity = child.pid === undefined ? undefined : processIdentity(child.pid);
    if (identity !== undefined) {
      running = { ...identity, digest: spec.digest, startedAt: Date.now(), stopSignal: spec.stopSignal };
      note(running);
      report({ service: spec.name, event: 'started', detail: { pid: identity.pid } });
      void watchUnwell(running);
    }
    child.on('exit', onExit);
    child.on('error', (error) => {
      report({ service: spec.name, event: 'start-failed', detail: { message: error.message } });
      if (child.pid === undefined) onExit(null, null);
    });
  };

  /** Ends the process when the one who can tell says that it has to be started again; its end starts the next. */
  const watchUnwell = async (watched: RunRecord): Promise<void> => {
    for (let answers = 0; running === watched && state !== 'stopped'; ) {
      await sleep(unwellPollMs, undefined, { ref: false });
      if (spec.restartWhen === undefined) continue;
      const answer = await probeHealth({ kind: 'http', ...spec.restartWhen });
      answers = !answer.ready && answer.reason.startsWith('500 ') ? answers + 1 : 0;
      if (answers < unwellAnswers || running !== watched) continue;
      report({ service: spec.name, event: 'unwell', detail: { reason: answer.ready ? '' : answer.reason } });
      await endProcess(watched, spec);
      return;
    }
  };

  const watchAdopted = async (adopted: RunRecord): Promise<void> => {
    while (isSameProcess(adopted)) await sleep(adoptedPollMs);
    onExit(null, null);
  };

  return {
    get spec() {
      return spec;
    },
    revise(revised) {
      spec = revised;
    },
    async start() {
      const earlier = readRecord(recordPath);
      if (earlier !== undefined && isSameProcess(earlier)) {
        if (earlier.digest === spec.digest) {
          state = 'running';
          running = earlier;
          report({ service: spec.name, event: 'adopted', detail: { pid: earlier.pid } });
          void watchAdopted(earlier);
          void watchUnwell(earlier);
          return;
        }
        await endProcess(earlier, spec);
      }
      launch();
    },
    async checkHang(timeoutMs) {
      const checked = running;
      if (spec.hang === undefined || checked === undefined || state !== 'running') return;
      const result = await probeHealth(spec.hang.probe, timeoutMs);
      const silent = !result.ready && result.silent === true && running === checked;
      silentChecks = silent ? silentChecks + 1 : 0;
      if (silentChecks < spec.hang.checksMax) return;
      silentChecks = 0;
      report({ service: spec.name, event: 'hung', detail: { pid: checked.pid, checks: spec.hang.checksMax } });
      await endProcess(checked, spec);
    },
    async waitReady(timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      while (state !== 'stopped' && performance.now() < deadline) {
        if (running !== undefined && (await probeHealth(spec.probe)).ready) return true;
        await sleep(readyPollMs);
      }
      return false;
    },
    async stop() {
      state = 'stopped';
      clearTimeout(restartTimer);
      if (running === undefined) return;
      report({ service: spec.name, event: 'stopping', detail: { pid: running.pid } });
      const outcome = await endProcess(running, spec);
      report({ service: spec.name, event: outcome === 'killed' ? 'killed' : 'stopped' });
    },
    release() {
      state = 'stopped';
      clearTimeout(restartTimer);
    },
    async status() {
      const pid = running?.pid;
      const health = pid === undefined ? undefined : await probeHealth(spec.probe);
      const reason = health?.ready === false ? health.reason : undefined;
      return {
        name: spec.name,
        state,
        ready: health?.ready === true,
        ...(reason === undefined ? {} : { reason }),
        ...(health?.ready === true && health.note !== undefined ? { note: health.note } : {}),
        ...(running === undefined ? {} : { pid: running.pid, startedAt: running.startedAt }),
        version: spec.version,
        restarts,
        ...(pid === undefined ? {} : { memoryBytes: residentBytes(pid) ?? 0 }),
        ...(lastExit === undefined ? {} : { lastExit }),
        logFile: spec.logFile,
      };
    },
  };
}
