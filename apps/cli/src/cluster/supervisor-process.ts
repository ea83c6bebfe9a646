/** The supervisor as a process of its own: started when it does not run, replaced when it is of another build or hangs. */
import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClusterPaths, serviceLog } from '@periplus/ops/dependencies';
import {
  createSupervisorClient,
  endProcess,
  listProcesses,
  openLogFile,
  type ProcessIdentity,
  processIdentity,
  type SupervisorClient,
  SupervisorError,
  type SupervisorInfo,
  SupervisorSilentError,
} from '@periplus/ops/processes';
import { CommandFailure } from '../output/command-error.js';
import type { Build } from './build-note.js';

const startTimeoutMs = 10_000;
const leaveTimeoutMs = 5_000;
const pollMs = 20;

/** Processes that supervise the cluster, or are about to: those of its name, whether they answer or not. */
export function listSupervisors(name: string): readonly ProcessIdentity[] {
  return listProcesses().flatMap(({ pid, arguments: [, script = '', verb, flag, value] }) =>
    script.endsWith('/cli/main.js') && verb === 'supervise' && flag === '--name' && value === name
      ? (processIdentity(pid) ?? [])
      : [],
  );
}

export type SupervisorState =
  | { readonly state: 'answers'; readonly info: SupervisorInfo }
  | { readonly state: 'silent' }
  | { readonly state: 'absent' };

/** Asks the supervisor how things are; one that was just started is given the time to answer. */
export async function askSupervisor(name: string, paths: ClusterPaths): Promise<SupervisorState> {
  const client = createSupervisorClient(paths.supervisorSocket);
  const deadline = performance.now() + startTimeoutMs;
  for (;;) {
    try {
      const info = await client.status();
      if (info !== undefined) return { state: 'answers', info };
    } catch (error) {
      if (error instanceof SupervisorSilentError) return { state: 'silent' };
      throw error;
    }
    if (listSupervisors(name).length === 0) return { state: 'absent' };
    if (performance.now() > deadline) return { state: 'silent' };
    await sleep(pollMs);
  }
}

/** Ends the supervision and leaves the services running; one that does not leave when asked is killed. */
export async function endSupervisor(name: string, paths: ClusterPaths): Promise<void> {
  const leaving = createSupervisorClient(paths.supervisorSocket)
    .leave()
    .catch((error: unknown) => {
      if (!(error instanceof SupervisorSilentError || error instanceof SupervisorError)) throw error;
    });
  const deadline = performance.now() + leaveTimeoutMs;
  while (listSupervisors(name).length > 0 && performance.now() < deadline) await sleep(pollMs);
  for (const supervisor of listSupervisors(name)) {
    await endProcess(supervisor, { stopSignal: 'SIGTERM', stopTimeoutMs: 0 });
  }
  await leaving;
}

function startSupervisor(name: string, paths: ClusterPaths, build: Build): void {
  const log = openLogFile(serviceLog(paths, 'supervisor'));
  const child = spawn(process.execPath, [build.appFile('cli'), 'supervise', '--name', name], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  closeSync(log);
  child.unref();
}

/** A supervisor of this build; services that run stay as they are. `beforeStart` is run while there is none. */
export async function ensureSupervisor(
  name: string,
  paths: ClusterPaths,
  build: Build,
  beforeStart: () => Promise<void>,
): Promise<SupervisorClient> {
  const client = createSupervisorClient(paths.supervisorSocket);
  const running = await askSupervisor(name, paths);
  if (running.state === 'answers' && running.info.version === build.version) return client;
  if (running.state !== 'absent') await endSupervisor(name, paths);
  await beforeStart();
  startSupervisor(name, paths, build);
  const deadline = performance.now() + startTimeoutMs;
  while ((await client.status()) === undefined) {
    if (performance.now() > deadline) {
      throw new CommandFailure(`the supervisor did not answer in ${startTimeoutMs / 1000} s`, {
        hint: `See ${serviceLog(paths, 'supervisor')}`,
      });
    }
    await sleep(pollMs);
  }
  return client;
}
