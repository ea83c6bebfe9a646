/**
 * Makes a cluster's log from a back-up: in a folder beside its place, by a nats-server of its own, and moves it there when it is
 * whole. Whatever ends this in between leaves a cluster without a log, and the next try begins from nothing.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ClusterPaths,
  type ClusterPlan,
  clusterNatsSettings,
  formatNatsServerConfig,
  natsServerProbe,
  type Program,
  removeFolder,
  replaceFile,
  serviceLog,
} from '@periplus/ops/dependencies';
import { openLogFile, probeHealth } from '@periplus/ops/processes';
import { CommandFailure } from '../output/command-error.js';
import { commandLine } from './context.js';
import { requirePorts } from './ports.js';

const startTimeoutMs = 15_000;
const stopTimeoutMs = 20_000;
const pollMs = 20;

const restoringFolder = (paths: ClusterPaths): string => join(paths.root, 'restoring');

/** Whether there is anything of a cluster that ran: its log, its projection, containers. */
export function hasState(paths: ClusterPaths): boolean {
  return [paths.nats, paths.postgres, paths.containerd, paths.kubelet].some(
    (folder) => existsSync(folder) && readdirSync(folder).length > 0,
  );
}

/** An empty cluster in its place would look as if the restore had lost everything. */
export function refuseHalfRestored(name: string, paths: ClusterPaths): void {
  if (!existsSync(restoringFolder(paths))) return;
  throw new CommandFailure(`the restore of cluster ${name} has not ended`, {
    hint: `Do it again: ./periplus restore FILE --name ${name}\nOr give it up: ${commandLine('down --purge', name)}`,
  });
}

function syncTree(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) syncTree(child);
    else if (entry.isFile()) syncPath(child);
  }
  syncPath(path);
}

function syncPath(path: string): void {
  const opened = openSync(path, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

async function withServer(
  plan: ClusterPlan,
  paths: ClusterPaths,
  program: Program,
  storeFolder: string,
  work: () => Promise<void>,
): Promise<void> {
  await requirePorts(plan, new Set(['nats']), []);
  // In the folder by whose name `up` and `down` find what a killed command left running.
  const config = join(paths.config, 'restore.conf');
  const settings = clusterNatsSettings(plan.name, plan.ports.nats, storeFolder, paths.pki);
  replaceFile(config, formatNatsServerConfig(settings), 0o600);
  const log = openLogFile(serviceLog(paths, 'nats'));
  const server = spawn(program.path, ['--config', config], { stdio: ['ignore', log, log] });
  closeSync(log);
  const ended = new Promise<void>((resolve) => {
    server.on('error', () => resolve());
    server.on('exit', () => resolve());
  });
  try {
    const deadline = performance.now() + startTimeoutMs;
    while (!(await probeHealth(natsServerProbe(plan.ports.nats))).ready) {
      if (server.exitCode !== null || server.pid === undefined || performance.now() > deadline)
        throw new CommandFailure('nats-server did not start', { hint: `See ${serviceLog(paths, 'nats')}` });
      await sleep(pollMs);
    }
    await work();
  } finally {
    server.kill('SIGTERM');
    const killer = setTimeout(() => server.kill('SIGKILL'), stopTimeoutMs);
    await ended;
    clearTimeout(killer);
    rmSync(config, { force: true });
  }
}

/** @param fill is given a running log without streams. */
export async function makeRestoredLog(
  plan: ClusterPlan,
  paths: ClusterPaths,
  program: Program,
  fill: () => Promise<void>,
): Promise<void> {
  const folder = restoringFolder(paths);
  removeFolder(folder);
  for (const needed of [folder, paths.config, paths.logs]) mkdirSync(needed, { recursive: true, mode: 0o700 });
  await withServer(plan, paths, program, folder, fill);
  syncTree(folder);
  if (existsSync(paths.nats)) removeFolder(paths.nats);
  renameSync(folder, paths.nats);
  syncPath(paths.root);
}
