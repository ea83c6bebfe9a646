/**
 * Tells whether the build is current, quickly: a hash over path, size and time of every file that a build reads.
 * Plain JavaScript without dependencies, because the launcher asks before anything is installed.
 */
import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const folders = ['apps', 'libs', 'tools/build'];
const files = ['package-lock.json', 'tsconfig.base.json'];

function isSource(name) {
  return (name.endsWith('.ts') || name.endsWith('.mjs') || name.endsWith('.json')) && !name.endsWith('.spec.ts');
}

function listSources(root, folder, found) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules' && entry.name !== 'dist') listSources(root, path, found);
    } else if (isSource(entry.name)) {
      found.push(path);
    }
  }
}

/** Differs when any source of the build under `root` was added, removed or written. */
export function sourceFingerprint(root) {
  const paths = [...files];
  for (const folder of folders) listSources(root, folder, paths);
  const hash = createHash('sha256').update(process.version);
  for (const path of paths.sort()) {
    const stat = statSync(join(root, path), { throwIfNoEntry: false });
    hash.update(`${path}\0${stat?.size ?? -1}\0${stat?.mtimeMs ?? 0}\n`);
  }
  return hash.digest('hex');
}
