/** Tells a process from a later one that got the same number, and reads what /proc says about it. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** In clock ticks since boot, as /proc has it. */
  readonly startTicks: number;
  /** Without it, a process of an earlier boot could be taken for one of today. */
  readonly bootId: string;
}

/** Of the kernel that runs now. */
export function currentBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/** Undefined when there is no such process, or when it is a zombie. */
export function processIdentity(pid: number): ProcessIdentity | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  // The name in parentheses may itself hold spaces and parentheses.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields === undefined || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { pid, startTicks: Number(fields[19]), bootId: currentBootId() };
}

/** Whether the process still runs. */
export function isSameProcess(identity: ProcessIdentity): boolean {
  const now = processIdentity(identity.pid);
  return now?.startTicks === identity.startTicks && now.bootId === identity.bootId;
}

/** Resident memory in bytes, or undefined when the process is gone. */
export function residentBytes(pid: number): number | undefined {
  const match = readProc(`/proc/${pid}/status`)?.match(/^VmRSS:\s+(\d+) kB/m);
  return match ? Number(match[1]) * 1024 : undefined;
}

export interface RunningProcess {
  readonly pid: number;
  readonly arguments: readonly string[];
}

/** Every process that can be seen, kernel threads left out. */
export function listProcesses(): readonly RunningProcess[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    const commandLine = readProc(`/proc/${entry}/cmdline`);
    if (commandLine === undefined || commandLine === '') return [];
    return [{ pid: Number(entry), arguments: commandLine.replace(/\0$/, '').split('\0') }];
  });
}

/** A variable of the environment that the process was started with; undefined also when the process is gone. */
export function variableOf(pid: number, name: string): string | undefined {
  const prefix = `${name}=`;
  const line = readProc(`/proc/${pid}/environ`)
    ?.split('\0')
    .find((entry) => entry.startsWith(prefix));
  return line?.slice(prefix.length);
}

/** Sends a signal; false when the process is gone. Throws a RangeError for a number that would mean a group, or all. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 1) throw new RangeError(`${pid} is no process to signal`);
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
