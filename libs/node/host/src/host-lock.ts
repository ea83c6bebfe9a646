/**
 * One writer at a time for what all clusters on a machine share: the forwarding switch and the namespaces' mount.
 * The lock is a socket in Linux's abstract namespace: the kernel lets one process have it, and takes it back when that dies.
 */
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Another process held the machine's lock for too long. */
export class HostLockError extends Error {
  readonly code = 'HostLocked';
  constructor() {
    super("another process is changing this machine's network");
    this.name = 'HostLockError';
  }
}

const address = '\0periplus-host-lock';
const waitMsMax = 60_000;
const pollMs = 20;

/** The lock, or undefined when another process has it. */
function tryLock(): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(address, () => resolve(server));
  });
}

async function lockAndRun<T>(action: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + waitMsMax;
  let lock = await tryLock();
  while (lock === undefined) {
    if (performance.now() > deadline) throw new HostLockError();
    await sleep(pollMs);
    lock = await tryLock();
  }
  try {
    return await action();
  } finally {
    const held = lock;
    await new Promise<void>((resolve) => held.close(() => resolve()));
  }
}

let queue: Promise<unknown> = Promise.resolve();

/** Runs `action` while no other process of ours on this machine is inside; calls of one process queue. */
export function withHostLock<T>(action: () => Promise<T>): Promise<T> {
  const result = queue.then(() => lockAndRun(action));
  queue = result.catch(() => undefined);
  return result;
}
