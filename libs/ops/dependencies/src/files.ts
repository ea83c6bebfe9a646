/** Files and folders that are there whole or not at all, whenever the process that makes them is killed. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { processIdentity } from '@periplus/ops/processes';

/** Where a thing is made before it gets its name; of this process alone. */
export function temporaryPath(path: string): string {
  return `${path}.${process.pid}.new`;
}

function writeDurably(path: string, content: string | Uint8Array, mode: number): void {
  const file = openSync(path, 'w', mode);
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Writes a file whole or not at all, also when the power goes. What fails names the path. */
export function replaceFile(path: string, content: string | Uint8Array, mode = 0o644): void {
  const temporary = temporaryPath(path);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeDurably(temporary, content, mode);
    renameSync(temporary, path);
  } catch (error) {
    if (existsSync(temporary)) rmSync(temporary);
    // A full disk is noticed by a call that has no path to name, and nobody knows the temporary one.
    throw Object.assign(error as Error, { path });
  }
}

/** Removes a folder and all in it, also when somebody who is about to end still writes there. Nothing there is fine. */
export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

/**
 * Gives a folder made at `temporary` its name. When somebody else was faster, theirs stays: it is only for folders whose
 * content follows from their name.
 */
export function nameFolder(temporary: string, path: string): void {
  try {
    renameSync(temporary, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    removeFolder(temporary);
  }
}

/** Removes what processes that were killed had begun in a folder, by the names of `temporaryPath`. */
export function removeStaleTemporaries(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const pid = /\.(\d+)\.new$/.exec(name)?.[1];
    if (pid === undefined) continue;
    if (Number(pid) === process.pid || processIdentity(Number(pid)) === undefined) removeFolder(join(folder, name));
  }
}
