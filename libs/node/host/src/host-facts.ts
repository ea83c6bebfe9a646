/** Facts about the machine that a node reports: its capacity, its system, and what this process may do. */
import { readFile, statfs } from 'node:fs/promises';
import { arch, cpus, hostname, release, totalmem } from 'node:os';
import { parseEnv } from 'node:util';

export interface HostCapacity {
  readonly cpuCount: number;
  readonly memoryBytes: number;
}

export interface HostFacts {
  readonly hostname: string;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  /** As in /etc/os-release, `Debian GNU/Linux 12 (bookworm)`. */
  readonly osImage: string;
  readonly operatingSystem: 'linux';
  /** In the names that images use: amd64, arm64. */
  readonly architecture: string;
}

export interface FileSystemUsage {
  readonly capacityBytes: number;
  readonly availableBytes: number;
  readonly usedBytes: number;
  readonly inodes: number;
  readonly inodesFree: number;
}

export function hostCapacity(): HostCapacity {
  return { cpuCount: cpus().length, memoryBytes: totalmem() };
}

async function readLine(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trim();
}

/** Facts that the machine does not tell are empty strings. */
export async function hostFacts(): Promise<HostFacts> {
  const [machineId, systemUuid, bootId, osRelease] = await Promise.all([
    readLine('/etc/machine-id'),
    readLine('/sys/class/dmi/id/product_uuid'),
    readLine('/proc/sys/kernel/random/boot_id'),
    readLine('/etc/os-release'),
  ]);
  const architecture = arch();
  return {
    hostname: hostname(),
    machineId,
    systemUuid,
    bootId,
    kernelVersion: release(),
    osImage: parseEnv(osRelease).PRETTY_NAME ?? '',
    operatingSystem: 'linux',
    architecture: architecture === 'x64' ? 'amd64' : architecture,
  };
}

/** Of the file system that `path` is on. */
export async function fileSystemUsage(path: string): Promise<FileSystemUsage> {
  const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path);
  return {
    capacityBytes: blocks * bsize,
    availableBytes: bavail * bsize,
    usedBytes: (blocks - bfree) * bsize,
    inodes: files,
    inodesFree: ffree,
  };
}

/** Numbers of the capabilities that decide what we can do. */
const capabilityBits = {
  CAP_KILL: 5,
  CAP_NET_ADMIN: 12,
  CAP_SYS_CHROOT: 18,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_RESOURCE: 24,
} as const;

export type Capability = keyof typeof capabilityBits;

/** Reads the effective set from the text of /proc/PID/status. */
export function parseCapabilities(status: string): ReadonlySet<Capability> {
  const bits = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  const names = Object.keys(capabilityBits) as Capability[];
  return new Set(names.filter((name) => (bits >> BigInt(capabilityBits[name])) & 1n));
}

/** What this process may do; without CAP_SYS_RESOURCE, for one, containers' out-of-memory scores cannot be lowered. */
export async function effectiveCapabilities(): Promise<ReadonlySet<Capability>> {
  return parseCapabilities(await readFile('/proc/self/status', 'utf8'));
}
