/** Whether node_modules holds what the lock file asks for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Undefined for a file that is not there, or that was not written to its end. */
export function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** By npm's own note of the versions, which it writes last: after an installation that was cut off there is none. */
export function packagesMatchLock(root) {
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const installed = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (!installed) return false;
  return Object.entries(wanted).every(
    ([path, { optional, version }]) => path === '' || optional || installed[path]?.version === version,
  );
}
