/** Takes away what the containers of a stopped node leave: processes, shims, sockets, mounts and control groups. */
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, listProcesses, processIdentity, signalProcess, tryCommand } from '@periplus/ops/processes';

/** CRI's own namespace in containerd. */
const criNamespace = 'k8s.io';
const killWaitMs = 5_000;
const pollMs = 20;

/** The folders of a control group in every hierarchy that is mounted. */
function controlGroupFolders(group: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [left = '', right = ''] = line.split(' - ');
      const mountPoint = left.split(' ')[4];
      return /^cgroup2? /.test(right) && mountPoint !== undefined ? [join(mountPoint, group)] : [];
    })
    .filter((folder) => existsSync(folder));
}

/** Groups come and go while one looks: what is gone has no folders. */
function subfoldersDeepestFirst(folder: string): string[] {
  const found: string[] = [];
  ignoreGone(() => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) found.push(...subfoldersDeepestFirst(join(folder, entry.name)));
    }
    found.push(folder);
  });
  return found;
}

/** ENODEV: the control group went between the opening of its file and the reading. */
const gone: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENODEV']);

function ignoreGone(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!gone.has((error as NodeJS.ErrnoException).code)) throw error;
  }
}

/** Process ids in a control group and all below it. */
function listControlGroupProcesses(group: string): readonly number[] {
  const pids = new Set<number>();
  for (const folder of controlGroupFolders(group).flatMap(subfoldersDeepestFirst)) {
    ignoreGone(() => {
      for (const pid of readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n')) if (pid) pids.add(Number(pid));
    });
  }
  return [...pids].filter((pid) => processIdentity(pid) !== undefined);
}

async function waitUntilEmpty(list: () => readonly unknown[], waitMs: number): Promise<boolean> {
  const deadline = performance.now() + waitMs;
  while (list().length > 0) {
    if (performance.now() > deadline) return false;
    await sleep(pollMs);
  }
  return true;
}

/** Asks every process in the group to end, and kills those that have not after the grace period. */
export async function endControlGroup(group: string, graceMs: number): Promise<void> {
  const list = () => listControlGroupProcesses(group);
  for (const pid of list()) signalProcess(pid, 'SIGTERM');
  if (await waitUntilEmpty(list, graceMs)) return;
  const deadline = performance.now() + killWaitMs;
  while (list().length > 0 && performance.now() < deadline) {
    for (const pid of list()) signalProcess(pid, 'SIGKILL');
    await sleep(pollMs);
  }
}

/** Removes the group and all below it in every hierarchy; its processes must have ended. */
export async function removeControlGroup(group: string): Promise<void> {
  const deadline = performance.now() + killWaitMs;
  for (;;) {
    try {
      for (const folder of controlGroupFolders(group).flatMap(subfoldersDeepestFirst))
        ignoreGone(() => rmdirSync(folder));
      return;
    } catch (error) {
      // The kernel takes a moment to let go of the last process of a group.
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || performance.now() > deadline) throw error;
      await sleep(pollMs);
    }
  }
}

/**
 * Makes a running containerd forget all containers, with their tasks and snapshots; images stay. One that dies or hangs
 * meanwhile keeps its notes of them, which the kubelet clears up when both run again.
 */
export async function forgetContainers(socketPath: string): Promise<void> {
  const ctr = async (timeoutMs: number, ...args: string[]): Promise<string> => {
    const address = ['--connect-timeout', '5s', '--address', socketPath, '--namespace', criNamespace];
    try {
      return (await tryCommand('ctr', [...address, ...args], { timeoutMs })).stdout.toString();
    } catch (error) {
      if (error instanceof CommandError) return '';
      throw error;
    }
  };
  const ids = (await ctr(10_000, 'containers', 'list', '--quiet')).split('\n').filter(Boolean);
  if (ids.length === 0) return;
  // A container without a task is no failure here.
  await ctr(30_000, 'tasks', 'delete', '--force', ...ids);
  await ctr(30_000, 'containers', 'delete', ...ids);
}

/** Ends shims that outlived their containers, and removes their sockets, which lie outside the state folder. */
export async function endShims(socketPath: string, stateFolder: string): Promise<void> {
  const list = () =>
    listProcesses().filter(
      ({ arguments: args }) => args[0]?.includes('containerd-shim') === true && args.includes(socketPath),
    );
  const sockets = listShimSockets(stateFolder);
  for (const { pid } of list()) signalProcess(pid, 'SIGKILL');
  await waitUntilEmpty(list, killWaitMs);
  for (const socket of sockets) rmSync(socket, { force: true });
}

/** Each bundle notes the address of its shim. */
function listShimSockets(stateFolder: string): string[] {
  const bundles = join(stateFolder, 'io.containerd.runtime.v2.task', criNamespace);
  if (!existsSync(bundles)) return [];
  return readdirSync(bundles).flatMap((id) => {
    const path = join(bundles, id, 'address');
    const address = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
    return address.startsWith('unix:///') ? [address.slice('unix://'.length)] : [];
  });
}

/** libcni keeps a note of each pod's loopback link, of all networks of the machine in one folder. */
const cniResultsFolder = '/var/lib/cni/results';
const loopbackPrefix = 'cni-loopback-';

function sandboxOf(path: string): string | undefined {
  try {
    const { result } = JSON.parse(readFileSync(path, 'utf8')) as {
      readonly result?: { readonly interfaces?: readonly { readonly sandbox?: string }[] };
    };
    return result?.interfaces?.[0]?.sandbox;
  } catch (error) {
    // Another cluster's pod may end meanwhile, or its note be half written.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Removes the notes about pods whose namespaces were mounted below the state folder. */
export function forgetLoopbackLinks(stateFolder: string): void {
  if (!existsSync(cniResultsFolder)) return;
  for (const name of readdirSync(cniResultsFolder)) {
    if (!name.startsWith(loopbackPrefix)) continue;
    const path = join(cniResultsFolder, name);
    if (sandboxOf(path)?.startsWith(`${stateFolder}/`)) rmSync(path, { force: true });
  }
}

function mountPointsBelow(folder: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .map((path) => path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))))
    .filter((path) => path.startsWith(`${folder}/`));
}

/** Something is still mounted where nothing should be. */
export class StillMountedError extends Error {
  readonly code = 'StillMounted';
}

/** Unmounts everything below a folder, the last mounted first. The folder itself may be a file system of the user's. */
export async function unmountBelow(folder: string): Promise<void> {
  for (const mountPoint of mountPointsBelow(folder).reverse()) {
    const { exitCode, stderr } = await tryCommand('umount', ['--lazy', mountPoint]);
    // Its owner may have unmounted it meanwhile.
    if (exitCode !== 0 && mountPointsBelow(folder).includes(mountPoint)) throw new StillMountedError(stderr.trim());
  }
}
