/**
 * The machine's control groups, version 1 or 2, as one tree of paths such as `/periplus-home/podUID`. In version 1 each
 * controller has a tree of its own, and a path is made in all of them; in version 2 there is one tree, and a controller
 * must be switched on in each parent.
 */
import { access, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Mount, parseMountInfo } from './mounts.js';
import { checkClusterName } from './node-names.js';

export interface CgroupHierarchy {
  readonly version: 1 | 2;
  /** Controllers that limits and statistics can use: cpu, memory, pids, cpuset … */
  readonly controllers: ReadonlySet<string>;
  /** Where a controller's tree is; in version 2 the same for all. Version 1 also has name=systemd and others without limits. */
  readonly trees: ReadonlyMap<string, string>;
}

/** A path in the hierarchy that is not made of plain names. */
export class CgroupPathError extends Error {
  readonly code = 'CgroupPathInvalid';
  constructor(readonly path: string) {
    super(`${JSON.stringify(path)} is no path of a control group`);
    this.name = 'CgroupPathError';
  }
}

/** A control group cannot be removed since processes are in it. */
export class CgroupBusyError extends Error {
  readonly code = 'CgroupBusy';
  constructor(
    readonly path: string,
    readonly pids: readonly number[],
  ) {
    super(`control group ${path} still has the processes ${pids.slice(0, 20).join(', ')}`);
    this.name = 'CgroupBusyError';
  }
}

/** The machine has no control groups that we can use. */
export class CgroupsMissingError extends Error {
  readonly code = 'CgroupsMissing';
  constructor() {
    super('no control groups are mounted on this machine');
    this.name = 'CgroupsMissingError';
  }
}

const pathPattern = /^(\/[A-Za-z0-9_][A-Za-z0-9_.:-]{0,250}){1,16}$/;

/** Throws CgroupPathError for anything but an absolute path of plain names. */
function checkCgroupPath(path: string): void {
  if (!pathPattern.test(path)) throw new CgroupPathError(path);
}

function treesOfV1(mounts: readonly Mount[]): ReadonlyMap<string, string> {
  const trees = new Map<string, string>();
  const generic = /^(r[ow]|relatime|no\w+|xattr|clone_children|release_agent=.*)$/;
  for (const { target, fsType, options } of mounts) {
    if (fsType === 'cgroup2') trees.set('unified', target);
    if (fsType !== 'cgroup') continue;
    for (const option of options) if (!generic.test(option) && !trees.has(option)) trees.set(option, target);
  }
  return trees;
}

/** Reads what the machine has; `mountInfoPath` and the mounts it names may be a test's. */
export async function detectCgroups(mountInfoPath = '/proc/self/mountinfo'): Promise<CgroupHierarchy> {
  const mounts = parseMountInfo(await readFile(mountInfoPath, 'utf8'));
  const trees = treesOfV1(mounts);
  const controllersOfV1 = [...trees.keys()].filter((name) => name !== 'unified' && !name.startsWith('name='));
  if (controllersOfV1.length > 0) return { version: 1, controllers: new Set(controllersOfV1), trees };
  const unified = trees.get('unified');
  if (unified === undefined) throw new CgroupsMissingError();
  const text = await readFile(join(unified, 'cgroup.controllers'), 'utf8');
  const names = text.split(/\s+/).filter((name) => name !== '');
  return { version: 2, controllers: new Set(names), trees: new Map(names.map((name) => [name, unified])) };
}

/** The folder of `path` in the tree of `controller`; undefined when the machine has no such controller. */
export function cgroupFolder(hierarchy: CgroupHierarchy, controller: string, path: string): string | undefined {
  checkCgroupPath(path);
  const tree = hierarchy.trees.get(controller);
  return tree === undefined ? undefined : join(tree, path);
}

/** The folders of `path` in every tree there is. */
function foldersOf(hierarchy: CgroupHierarchy, path: string): readonly string[] {
  checkCgroupPath(path);
  return [...new Set(hierarchy.trees.values())].map((tree) => join(tree, path));
}

/** A new cpuset group has no processors and no memory nodes, and takes no process until it has: it gets its parent's. */
async function inheritCpuset(parent: string, folder: string): Promise<void> {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if ((await readFile(join(folder, file), 'utf8')).trim() !== '') continue;
    await writeFile(join(folder, file), await readFile(join(parent, file)));
  }
}

/** Controllers that a parent has but does not hand on yet are handed on. */
async function handOnControllers(parent: string): Promise<void> {
  const words = async (file: string): Promise<readonly string[]> =>
    (await readFile(join(parent, file), 'utf8')).split(/\s+/).filter((name) => name !== '');
  const on = new Set(await words('cgroup.subtree_control'));
  const missing = (await words('cgroup.controllers')).filter((name) => !on.has(name));
  if (missing.length === 0) return;
  await writeFile(join(parent, 'cgroup.subtree_control'), missing.map((name) => `+${name}`).join(' '));
}

/** Makes `path` and its parents in every tree; what is there stays as it is. */
export async function ensureCgroup(hierarchy: CgroupHierarchy, path: string): Promise<void> {
  checkCgroupPath(path);
  const names = path.slice(1).split('/');
  for (const tree of new Set(hierarchy.trees.values())) {
    let parent = tree;
    for (const name of names) {
      if (hierarchy.version === 2) await handOnControllers(parent);
      const folder = join(parent, name);
      await mkdir(folder, { recursive: true });
      if (hierarchy.version === 1 && tree === hierarchy.trees.get('cpuset')) await inheritCpuset(parent, folder);
      parent = folder;
    }
  }
}

async function subfolders(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function pidsBelow(folder: string): Promise<readonly number[]> {
  const own = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '');
  const below = await Promise.all((await subfolders(folder)).map(pidsBelow));
  return [...own.split('\n').filter((line) => line !== ''), ...below.flat()].map(Number);
}

/** The processes in `path` and below. */
export async function listCgroupProcesses(hierarchy: CgroupHierarchy, path: string): Promise<readonly number[]> {
  const pids = await Promise.all(foldersOf(hierarchy, path).map(pidsBelow));
  return [...new Set(pids.flat())].sort((left, right) => left - right);
}

const busyWaitMsMax = 2_000;
const busyPollMs = 50;

async function removeFolder(folder: string, path: string, deadline: number): Promise<void> {
  for (const subfolder of await subfolders(folder)) await removeFolder(subfolder, path, deadline);
  for (;;) {
    try {
      await rmdir(folder);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' && code !== 'ENOTEMPTY') throw error;
      if (performance.now() > deadline) throw new CgroupBusyError(path, await pidsBelow(folder));
    }
    // A group is busy for a moment after its last process ended.
    await sleep(busyPollMs);
  }
}

/** Removes `path` and all below in every tree. Throws CgroupBusyError when processes are in it after 2 s. */
export async function removeCgroup(hierarchy: CgroupHierarchy, path: string): Promise<void> {
  const deadline = performance.now() + busyWaitMsMax;
  for (const folder of foldersOf(hierarchy, path)) await removeFolder(folder, path, deadline);
}

/** The control group that holds all of a cluster's pods on this machine. */
export function clusterCgroup(clusterName: string): string {
  checkClusterName(clusterName);
  return `/periplus-${clusterName}`;
}

/** Whether `path` is there. */
export async function hasCgroup(hierarchy: CgroupHierarchy, path: string): Promise<boolean> {
  const [folder = ''] = foldersOf(hierarchy, path);
  return access(folder).then(
    () => true,
    () => false,
  );
}
