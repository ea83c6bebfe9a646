/** The project's own images, made once on a machine, for machines that can pull none. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClusterPaths, cacheRoot, formatMirror, mirroredRegistries } from '@periplus/ops/dependencies';
import { listProcesses, runCommand, signalProcess, withFileLock } from '@periplus/ops/processes';

const builder = 'build-images.ts';
const buildTimeoutMs = 10 * 60_000;
const pollMs = 100;

/** One that a run of ours left behind when it was killed makes what we want. */
async function waitForBuilder(folder: string, note: (message: string) => void): Promise<void> {
  const builders = () => listProcesses().filter(({ arguments: args }) => isBuilderOf(folder, args));
  const deadline = performance.now() + buildTimeoutMs;
  if (builders().length > 0) note('waiting for an earlier run that makes them');
  while (builders().length > 0) {
    if (performance.now() > deadline) {
      for (const { pid } of builders()) signalProcess(pid, 'SIGKILL');
    }
    await sleep(pollMs);
  }
}

function isBuilderOf(folder: string, args: readonly string[]): boolean {
  return args.some((word) => word.endsWith(`/${builder}`)) && args.at(-1) === folder;
}

/** The folder of a layout made by the current tools, made now when it is missing. */
export async function ensureOfflineImages(repositoryRoot: string, note: (message: string) => void): Promise<string> {
  const tools = join(repositoryRoot, 'tools', 'images');
  const recipe = readFileSync(join(tools, 'recipe-version.json'), 'utf8');
  const { version } = JSON.parse(recipe) as { readonly version: number };
  const folder = join(cacheRoot, `images-${version}`);
  await withFileLock(
    `${folder}.lock`,
    async () => {
      await waitForBuilder(folder, note);
      if (existsSync(join(folder, 'index.json'))) return;
      note('making busybox, nginx and pause from Debian packages');
      const args = ['--import', 'tsx', join(tools, builder), '--output', folder];
      await runCommand(process.execPath, args, { cwd: repositoryRoot, timeoutMs: buildTimeoutMs });
    },
    { waitMs: 2 * buildTimeoutMs },
  );
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
