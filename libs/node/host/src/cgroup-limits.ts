/** Limits of a control group, in the units of the CRI, written as either version's files want them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CgroupHierarchy, cgroupFolder, ensureCgroup, removeCgroup } from './cgroup-hierarchy.js';

/** An absent field leaves that limit as it is. */
export interface CgroupLimits {
  /** Weight against siblings, 2 to 262144; 1024 is one processor's worth. */
  readonly cpuShares?: number;
  /** Microseconds of processor time in each period; -1 is no limit. */
  readonly cpuQuotaUs?: number;
  /** Default 100000. */
  readonly cpuPeriodUs?: number;
  /** -1 is no limit. */
  readonly memoryBytes?: number;
  /** -1 is no limit. */
  readonly pidsMax?: number;
}

const cpuPeriodUsDefault = 100_000;

interface LimitFile {
  readonly controller: string;
  readonly file: string;
  readonly value: string;
}

/** Maps version 1's 2…262144 onto version 2's 1…10000, linearly, as every runtime does. */
export function cpuWeightOfShares(shares: number): number {
  const bounded = Math.min(Math.max(shares, 2), 262_144);
  return 1 + Math.floor(((bounded - 2) * 9_999) / 262_142);
}

/** The files to write, in an order in which the kernel takes them. */
export function planLimitFiles(version: 1 | 2, limits: CgroupLimits): readonly LimitFile[] {
  const { cpuShares, cpuQuotaUs, cpuPeriodUs = cpuPeriodUsDefault, memoryBytes, pidsMax } = limits;
  const files: LimitFile[] = [];
  const add = (controller: string, file: string, value: string | number): void => {
    files.push({ controller, file, value: String(value) });
  };
  const orMax = (value: number): string | number => (value < 0 ? 'max' : value);
  if (version === 1) {
    if (cpuShares !== undefined) add('cpu', 'cpu.shares', Math.max(cpuShares, 2));
    if (cpuQuotaUs !== undefined) {
      add('cpu', 'cpu.cfs_period_us', cpuPeriodUs);
      add('cpu', 'cpu.cfs_quota_us', cpuQuotaUs);
    }
    if (memoryBytes !== undefined) add('memory', 'memory.limit_in_bytes', memoryBytes);
  } else {
    if (cpuShares !== undefined) add('cpu', 'cpu.weight', cpuWeightOfShares(cpuShares));
    if (cpuQuotaUs !== undefined) add('cpu', 'cpu.max', `${orMax(cpuQuotaUs)} ${cpuPeriodUs}`);
    if (memoryBytes !== undefined) add('memory', 'memory.max', orMax(memoryBytes));
  }
  if (pidsMax !== undefined) add('pids', 'pids.max', orMax(pidsMax));
  return files;
}

/** Writes the limits of a group that exists; a limit whose controller the machine lacks is left out, as runtimes do. */
async function setCgroupLimits(hierarchy: CgroupHierarchy, path: string, limits: CgroupLimits): Promise<void> {
  for (const { controller, file, value } of planLimitFiles(hierarchy.version, limits)) {
    const folder = cgroupFolder(hierarchy, controller, path);
    if (folder !== undefined) await writeFile(join(folder, file), value);
  }
}

/** The group that holds a pod's containers: the `cgroup_parent` of its sandbox. */
function podCgroup(parent: string, uid: string): string {
  return `${parent}/pod${uid}`;
}

/** Makes the pod's group below `parent`, with its limits; returns its path. */
export async function ensurePodCgroup(
  hierarchy: CgroupHierarchy,
  parent: string,
  uid: string,
  limits: CgroupLimits,
): Promise<string> {
  const path = podCgroup(parent, uid);
  await ensureCgroup(hierarchy, path);
  await setCgroupLimits(hierarchy, path, limits);
  return path;
}

/** Removes the pod's group and what its containers left below it. */
export function removePodCgroup(hierarchy: CgroupHierarchy, parent: string, uid: string): Promise<void> {
  return removeCgroup(hierarchy, podCgroup(parent, uid));
}
