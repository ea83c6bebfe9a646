/** A lock between processes: a file that names its owner, and that a dead owner cannot hold. */
import { mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isSameProcess, type ProcessIdentity, processIdentity } from './process-identity.js';

export class LockTimeoutError extends Error {
  readonly code = 'LockTimeout';
  readonly path: string;

  constructor(path: string, waitMs: number) {
    super(`another process holds ${path} for more than ${waitMs / 1000} s`);
    this.name = 'LockTimeoutError';
    this.path = path;
  }
}

function tryTake(path: string, owner: ProcessIdentity): boolean {
  try {
    writeFileSync(path, JSON.stringify(owner), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The owner, or undefined when the file is gone or its owner has yet to write into it. */
function readOwner(path: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessIdentity;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Runs `work` while holding the lock at `path`; the folder is made when missing. Not reentrant. */
export async function withFileLock<Result>(
  path: string,
  work: () => Promise<Result> | Result,
  { waitMs = 60_000 }: { readonly waitMs?: number } = {},
): Promise<Result> {
  mkdirSync(dirname(path), { recursive: true });
  const self = processIdentity(process.pid);
  if (self === undefined) throw new Error('this process is not in /proc');
  const deadline = performance.now() + waitMs;
  while (!tryTake(path, self)) {
    if (performance.now() > deadline) throw new LockTimeoutError(path, waitMs);
    const owner = readOwner(path);
    if (owner !== undefined && !isSameProcess(owner)) unlinkSync(path);
    else await sleep(10 + Math.random() * 20);
  }
  try {
    return await work();
  } finally {
    unlinkSync(path);
  }
}
