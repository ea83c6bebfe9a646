/** What was built, as the build noted it in dist/build.json. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Build {
  readonly version: string;
  /** A digest for each app. */
  readonly digests: Readonly<Record<string, string>>;
  appFile(app: string): string;
}

export function readBuild(repositoryRoot: string): Build {
  const note = JSON.parse(readFileSync(join(repositoryRoot, 'dist', 'build.json'), 'utf8')) as {
    readonly version: string;
    readonly apps: Readonly<Record<string, string>>;
  };
  return {
    version: note.version,
    digests: note.apps,
    appFile: (app) => join(repositoryRoot, 'dist', 'apps', app, 'main.js'),
  };
}
