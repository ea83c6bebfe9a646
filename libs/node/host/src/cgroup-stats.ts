/** What a control group has used, from either version's files. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CgroupHierarchy, cgroupFolder } from './cgroup-hierarchy.js';

export interface CgroupStats {
  /** Processor time since the group was made. */
  readonly cpuUsageNanoseconds: number;
  readonly memoryUsageBytes: number;
  /** Usage without the file cache that the kernel can drop at once. */
  readonly memoryWorkingSetBytes: number;
  readonly memoryRssBytes: number;
  /** Undefined when there is none. */
  readonly memoryLimitBytes: number | undefined;
  readonly processCount: number;
  /** How many processes the kernel has killed here for want of memory. */
  readonly oomKills: number;
}

/** Version 1 writes "no limit" as the largest number of whole pages. */
const noLimitV1Bytes = 2 ** 62;

function parseKeyed(text: string): ReadonlyMap<string, number> {
  const pairs = text.split('\n').map((line) => line.split(' '));
  return new Map(pairs.map(([key = '', value = '']) => [key, Number(value)]));
}

/** Reads the group at `path`; undefined when it is gone. A controller that the machine lacks counts as 0. */
export async function readCgroupStats(hierarchy: CgroupHierarchy, path: string): Promise<CgroupStats | undefined> {
  let found = false;
  const read = async (controller: string, file: string): Promise<string> => {
    const folder = cgroupFolder(hierarchy, controller, path);
    if (folder === undefined) return '';
    try {
      const text = await readFile(join(folder, file), 'utf8');
      found = true;
      return text.trim();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENODEV') return '';
      throw error;
    }
  };
  const v1 = hierarchy.version === 1;
  const [cpu, usage, limit, memory, events, processes] = await Promise.all([
    v1 ? read('cpuacct', 'cpuacct.usage') : read('cpu', 'cpu.stat'),
    read('memory', v1 ? 'memory.usage_in_bytes' : 'memory.current'),
    read('memory', v1 ? 'memory.limit_in_bytes' : 'memory.max'),
    read('memory', 'memory.stat'),
    read('memory', v1 ? 'memory.oom_control' : 'memory.events'),
    read('pids', 'pids.current'),
  ]);
  if (!found) return undefined;
  const memoryStat = parseKeyed(memory);
  const memoryUsageBytes = Number(usage);
  const inactiveFile = memoryStat.get(v1 ? 'total_inactive_file' : 'inactive_file') ?? 0;
  const limitBytes = limit === '' || limit === 'max' ? noLimitV1Bytes : Number(limit);
  return {
    cpuUsageNanoseconds: v1 ? Number(cpu) : (parseKeyed(cpu).get('usage_usec') ?? 0) * 1_000,
    memoryUsageBytes,
    memoryWorkingSetBytes: Math.max(0, memoryUsageBytes - inactiveFile),
    memoryRssBytes: memoryStat.get(v1 ? 'total_rss' : 'anon') ?? 0,
    memoryLimitBytes: limitBytes >= noLimitV1Bytes ? undefined : limitBytes,
    processCount: Number(processes),
    oomKills: parseKeyed(events).get('oom_kill') ?? 0,
  };
}
