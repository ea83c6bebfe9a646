/** The project's own images, made once on a machine, for machines that can pull none. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClusterPaths, cacheRoot, formatMirror, mirroredRegistries } from '@periplus/ops/dependencies';
import { runCommand, withFileLock } from '@periplus/ops/processes';

const buildTimeoutMs = 10 * 60_000;

/** The folder of a layout made by the current tools, made now when it is missing. */
export async function ensureOfflineImages(repositoryRoot: string, note: (message: string) => void): Promise<string> {
  const tools = join(repositoryRoot, 'tools', 'images');
  const recipe = readFileSync(join(tools, 'recipe-version.json'), 'utf8');
  const { version } = JSON.parse(recipe) as { readonly version: number };
  const folder = join(cacheRoot, `images-${version}`);
  await withFileLock(`${folder}.lock`, async () => {
    if (existsSync(join(folder, 'index.json'))) return;
    note('making busybox, nginx and pause from Debian packages');
    const args = ['--import', 'tsx', join(tools, 'build-images.ts'), '--output', folder];
    await runCommand(process.execPath, args, { cwd: repositoryRoot, timeoutMs: buildTimeoutMs });
  });
  return folder;
}

/** Tells containerd, at its next pull, that the registry at `mirror` is to be asked first; or, without one, nobody. */
export function writeMirrors(paths: ClusterPaths, mirror: string | undefined): void {
  for (const [registry, upstream] of Object.entries(mirroredRegistries)) {
    const folder = join(registryConfigFolder(paths), registry);
    if (mirror === undefined) {
      rmSync(folder, { recursive: true, force: true });
    } else {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'hosts.toml'), formatMirror(upstream, mirror));
    }
  }
}

export function registryConfigFolder(paths: ClusterPaths): string {
  return join(paths.config, 'registries');
}
