/** The log file that a service's process writes itself, so that it needs nobody to read its output. */
import { copyFileSync, openSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';

const logBytesMax = 32 << 20;
const rotatedMax = 3;

/** For a child's standard output and error. The caller closes it. */
export function openLogFile(path: string): number {
  return openSync(path, 'a', 0o640);
}

/**
 * Keeps a log from growing: copies it aside and cuts it, as the process keeps the file open. What the process writes
 * between the copy and the cut is lost; it is a line or two of each 32 MiB.
 */
export function rotateLogFile(path: string, bytesMax = logBytesMax): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size < bytesMax) return;
  const copy = `${path}.new`;
  try {
    copyFileSync(path, copy);
  } catch (error) {
    rmSync(copy, { force: true });
    throw error;
  }
  for (let number = rotatedMax - 1; number >= 1; number--) {
    if (statSync(`${path}.${number}`, { throwIfNoEntry: false }))
      renameSync(`${path}.${number}`, `${path}.${number + 1}`);
  }
  renameSync(copy, `${path}.1`);
  truncateSync(path);
}
