/** What earlier runs of `up` and `down` that were killed left behind: processes, and a state half removed. */
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClusterPaths, removeFolder, serviceConfig, stateRoot } from '@periplus/ops/dependencies';
import {
  endProcess,
  listProcesses,
  listRecordedProcesses,
  type ProcessIdentity,
  processIdentity,
  variableOf,
} from '@periplus/ops/processes';

const stopTimeoutMs = 10_000;
/** How long a helper that makes or removes the node's network may take to its end. */
const helperTimeoutMs = 15_000;
const pollMs = 20;

function valueOf(args: readonly string[], flag: string): string {
  const index = args.indexOf(flag);
  return index === -1 ? '' : (args[index + 1] ?? '');
}

function findProcesses(matches: (args: readonly string[], pid: number) => boolean): ProcessIdentity[] {
  return listProcesses().flatMap(({ pid, arguments: args }) =>
    pid !== process.pid && matches(args, pid) ? (processIdentity(pid) ?? []) : [],
  );
}

/** initdb, and the shell and the Postgres that it works with, on a data folder that has no name yet. */
function isInitialization(paths: ClusterPaths, args: readonly string[], pid: number): boolean {
  if (!['initdb', 'postgres', 'sh'].includes(basename(args[0] ?? ''))) return false;
  // initdb tells its helpers by the environment alone.
  const data = valueOf(args, '-D') || valueOf(args, '--pgdata') || (variableOf(pid, 'PGDATA') ?? '');
  return data.startsWith(`${paths.postgres}/`) && data.endsWith('.new');
}

function isNetworkHelper(paths: ClusterPaths, args: readonly string[]): boolean {
  return args.includes('network') && valueOf(args, '--config') === serviceConfig(paths, 'kubelet');
}

/**
 * Processes that an `up` or `down` had started for a step when it was killed. To be called under the cluster's lock, when
 * no other can run.
 */
export async function endAbandonedSteps(paths: ClusterPaths): Promise<void> {
  const helpers = () => findProcesses((args) => isNetworkHelper(paths, args));
  const deadline = performance.now() + helperTimeoutMs;
  while (helpers().length > 0 && performance.now() < deadline) await sleep(pollMs);
  const abandoned = () => [...helpers(), ...findProcesses((args, pid) => isInitialization(paths, args, pid))];
  // One of them may just be starting another.
  for (let found = abandoned(); found.length > 0; found = abandoned()) {
    await Promise.all(found.map((running) => endProcess(running, { stopSignal: 'SIGTERM', stopTimeoutMs: 0 })));
  }
}

/**
 * Archivists whose command was killed, and that are just noticing it: none may write beside the next one. To be called under the
 * lock of what they write to, which is the file that `save` is for, or the cluster that `restore` is for.
 */
export async function endAbandonedArchivists(task: 'save' | 'restore', target: string): Promise<void> {
  const option = task === 'save' ? '--file' : '--cluster-id';
  const archivists = findProcesses(
    (args) =>
      basename(dirname(args[1] ?? '')) === 'archivist' &&
      valueOf(args, '--task') === task &&
      valueOf(args, option) === target,
  );
  await Promise.all(archivists.map((running) => endProcess(running, { stopSignal: 'SIGTERM', stopTimeoutMs })));
}

/** Services of this cluster that no record speaks of, by the configuration or data that they were started with. */
function listUnrecordedServices(paths: ClusterPaths): readonly ProcessIdentity[] {
  const recorded = new Set(listRecordedProcesses(paths.run).map(({ pid }) => pid));
  return findProcesses((args) => {
    const ours = valueOf(args, '--config').startsWith(`${paths.config}/`);
    const postgres = basename(args[0] ?? '') === 'postgres' && valueOf(args, '-D').startsWith(`${paths.postgres}/`);
    return ours || postgres;
  }).filter(({ pid }) => !recorded.has(pid));
}

/** A supervisor that was killed may have started one that it had no time to note. */
export async function endUnrecordedServices(paths: ClusterPaths): Promise<void> {
  const strays = listUnrecordedServices(paths);
  await Promise.all(strays.map((stray) => endProcess(stray, { stopSignal: 'SIGINT', stopTimeoutMs })));
}

/** Where a state goes that is being removed: a name that no cluster can have. */
function discardedState(name: string): string {
  return join(stateRoot, `.${name}.purging`);
}

/** Completes a removal that was cut off. */
export function removeDiscardedState(name: string): void {
  removeFolder(discardedState(name));
}

/** Removes a cluster's state in one step, as far as anybody can see. */
export function discardState(name: string, root: string): void {
  removeDiscardedState(name);
  if (!existsSync(root)) return;
  try {
    renameSync(root, discardedState(name));
    removeDiscardedState(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    // It is a file system of its own: that stays, empty.
    for (const entry of readdirSync(root)) removeFolder(join(root, entry));
  }
}
