/**
 * A lock between processes: a file that names its owner, and that a dead owner cannot hold.
 *
 * The file is a symbolic link whose target is the owner: it is made and filled in one step, so no moment of dying leaves
 * a lock of nobody's.
 */
import { lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isSameProcess, type ProcessIdentity, processIdentity } from './process-identity.js';

export class LockTimeoutError extends Error {
  readonly code = 'LockTimeout';
  readonly path: string;

  constructor(path: string, waitMs: number, owner: ProcessIdentity | undefined) {
    const holder = owner === undefined ? 'another process' : `process ${owner.pid}`;
    super(`${holder} holds ${path} for more than ${waitMs / 1000} s`);
    this.name = 'LockTimeoutError';
    this.path = path;
  }
}

export interface LockOptions {
  /** Default a minute. */
  readonly waitMs?: number;
  /** Told once, when there is an owner to wait for. */
  readonly onWait?: (owner: ProcessIdentity) => void;
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function tryTake(path: string, owner: ProcessIdentity): boolean {
  try {
    symlinkSync(JSON.stringify(owner), path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Undefined when there is no lock, or when it is of a program that does not say whose it is, as kubectl's. */
function readOwner(path: string): ProcessIdentity | undefined {
  try {
    const text = lstatSync(path).isSymbolicLink() ? readlinkSync(path) : readFileSync(path, 'utf8');
    return JSON.parse(text) as ProcessIdentity;
  } catch (error) {
    if (error instanceof SyntaxError || codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The kernel lets one process have it and takes it back when that dies, so it needs no breaking itself. */
const guardAddress = '\0periplus-stale-lock';

function tryGuard(): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const guard = createServer((socket) => socket.destroy());
    guard.once('error', (error) => {
      if (codeOf(error) === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    guard.listen(guardAddress, () => resolve(guard));
  });
}

/** Removes the lock of a dead owner. Under the guard: what is read is what is removed, never its successor's. */
async function breakStale(path: string): Promise<void> {
  const guard = await tryGuard();
  if (guard === undefined) return;
  try {
    const owner = readOwner(path);
    if (owner !== undefined && !isSameProcess(owner)) unlinkSync(path);
  } finally {
    await new Promise<void>((resolve) => guard.close(() => resolve()));
  }
}

/** Runs `work` while holding the lock at `path`; the folder is made when missing. Not reentrant. */
export async function withFileLock<Result>(
  path: string,
  work: () => Promise<Result> | Result,
  { waitMs = 60_000, onWait }: LockOptions = {},
): Promise<Result> {
  mkdirSync(dirname(path), { recursive: true });
  const self = processIdentity(process.pid);
  if (self === undefined) throw new Error('this process is not in /proc');
  const deadline = performance.now() + waitMs;
  let told = false;
  while (!tryTake(path, self)) {
    const owner = readOwner(path);
    if (owner !== undefined && !isSameProcess(owner)) {
      await breakStale(path);
    } else if (owner !== undefined && !told) {
      told = true;
      onWait?.(owner);
    }
    if (performance.now() > deadline) throw new LockTimeoutError(path, waitMs, owner);
    await sleep(10 + Math.random() * 20);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}
