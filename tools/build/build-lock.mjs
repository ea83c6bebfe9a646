/** One installation or build at a time in a clone: a lock file that holds its owner's process id. */
import { mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const waitMsMax = 15 * 60_000;

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Removes the lock of an owner that died. */
function breakStaleLock(path) {
  let pid;
  try {
    pid = Number(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  // A lock that is still empty was made this instant by someone who has yet to write into it.
  if (pid > 0 && !isAlive(pid)) unlinkSync(path);
}

/** Runs `work` alone among all processes that use this function on the same clone. */
export async function withBuildLock(root, work) {
  const path = join(root, 'dist', '.lock');
  mkdirSync(join(root, 'dist'), { recursive: true });
  const deadline = Date.now() + waitMsMax;
  for (;;) {
    try {
      writeFileSync(path, `${process.pid}`, { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (Date.now() > deadline)
      throw new Error(`another build holds ${path} for more than ${waitMsMax / 60_000} minutes`);
    breakStaleLock(path);
    await sleep(50);
  }
  try {
    return await work();
  } finally {
    unlinkSync(path);
  }
}
