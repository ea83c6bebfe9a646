/**
 * One installation or build at a time in a clone: a socket in Linux's abstract namespace, which the kernel gives to one
 * process and takes back when that dies, however it dies.
 */
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const waitMsMax = 15 * 60_000;
const pollMs = 50;
const noteAfterMs = 2_000;

/** The lock, or undefined when another process has it. */
function tryLock(address) {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(address, () => resolve(server));
  });
}

/** Runs `work` alone among all processes that use this function on the same clone. */
export async function withBuildLock(root, work) {
  const address = `\0periplus-build-${createHash('sha256').update(realpathSync(root)).digest('hex').slice(0, 32)}`;
  const startedAt = Date.now();
  let told = false;
  let lock;
  while ((lock = await tryLock(address)) === undefined) {
    const waitedMs = Date.now() - startedAt;
    if (waitedMs > waitMsMax)
      throw new Error(`another installation or build in ${root} takes more than ${waitMsMax / 60_000} minutes`);
    if (!told && waitedMs > noteAfterMs) {
      told = true;
      process.stderr.write('Waiting for another installation or build in this clone …\n');
    }
    await sleep(pollMs);
  }
  try {
    return await work();
  } finally {
    lock.close();
  }
}
