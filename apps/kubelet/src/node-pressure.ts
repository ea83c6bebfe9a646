/** Whether the machine runs out of memory, disk or process ids. */
import { readFile } from 'node:fs/promises';
import { fileSystemUsage } from '@periplus/node/host';
import type { NodePressure } from '@periplus/node/pod-lifecycle';

/** As upstream's default thresholds for memory and inodes; for the disk a share that a full developer's machine does not trip. */
const MEMORY_BYTES_MIN = 100 * 1024 * 1024;
const DISK_SHARE_MIN = 0.03;
const INODE_SHARE_MIN = 0.03;
const PID_SHARE_MIN = 0.05;

async function memoryAvailable(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8');
  const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  return kibibytes === undefined ? Number.POSITIVE_INFINITY : Number(kibibytes) * 1024;
}

async function pidShareLeft(): Promise<number> {
  const [max, load] = await Promise.all([
    readFile('/proc/sys/kernel/pid_max', 'utf8'),
    readFile('/proc/loadavg', 'utf8'),
  ]);
  const used = Number(/\/(\d+) /.exec(load)?.[1] ?? 0);
  return 1 - used / Number(max);
}

export async function nodePressure(rootDir: string): Promise<NodePressure> {
  const [memory, disk, pids] = await Promise.all([memoryAvailable(), fileSystemUsage(rootDir), pidShareLeft()]);
  const inodesShort = disk.inodes > 0 && disk.inodesFree / disk.inodes < INODE_SHARE_MIN;
  return {
    memory: memory < MEMORY_BYTES_MIN,
    disk: disk.availableBytes / disk.capacityBytes < DISK_SHARE_MIN || inodesShort,
    pids: pids < PID_SHARE_MIN,
  };
}
