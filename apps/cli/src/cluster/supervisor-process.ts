/** The supervisor as a process of its own: started when it does not run, replaced when it is of another build. */
import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClusterPaths, serviceLog } from '@periplus/ops/dependencies';
import { createSupervisorClient, openLogFile, type SupervisorClient } from '@periplus/ops/processes';
import { CommandFailure } from '../output/command-error.js';
import type { Build } from './build-note.js';

const startTimeoutMs = 10_000;
const pollMs = 20;

async function waitFor(reached: () => Promise<boolean>, paths: ClusterPaths, what: string): Promise<void> {
  const deadline = performance.now() + startTimeoutMs;
  while (!(await reached())) {
    if (performance.now() > deadline) {
      throw new CommandFailure(`the supervisor did not ${what} in ${startTimeoutMs / 1000} s`, {
        hint: `See ${serviceLog(paths, 'supervisor')}`,
      });
    }
    await sleep(pollMs);
  }
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

/** A supervisor of this build; services that run stay as they are. */
export async function ensureSupervisor(name: string, paths: ClusterPaths, build: Build): Promise<SupervisorClient> {
  const client = createSupervisorClient(paths.supervisorSocket);
  const running = await client.status();
  if (running?.version === build.version) return client;
  if (running !== undefined) {
    await client.leave();
    await waitFor(async () => (await client.status()) === undefined, paths, 'leave');
  }
  startSupervisor(name, paths, build);
  await waitFor(async () => (await client.status()) !== undefined, paths, 'answer');
  return client;
}
