/** Looks a program up on the PATH, and where Debian keeps what only root runs. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const systemFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

function isExecutable(path: string): boolean {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The full path, or undefined. */
export function findProgram(name: string, searchPath: string = process.env['PATH'] ?? ''): string | undefined {
  return [...searchPath.split(delimiter).filter((folder) => folder.startsWith('/')), ...systemFolders]
    .map((folder) => join(folder, name))
    .find(isExecutable);
}
