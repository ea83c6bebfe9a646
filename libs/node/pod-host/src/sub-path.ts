/**
 * Mounts a path inside a volume, also one that a container of the same pod could change meanwhile: links are followed only
 * as far as they stay inside, each part is then opened without following links, and what was opened is bound by its
 * descriptor – so a link that is swapped in between check and use leads nowhere.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, realpath, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { listMounts, runCommand, unmount } from '@periplus/node/host';
import { PodHostError, relativePathProblem } from '@periplus/node/pod-lifecycle';

/** Linux's O_PATH: a handle on a place, not on its content. */
const O_PATH = 0o10000000;

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === '' || (!way.startsWith(`..${sep}`) && way !== '..' && !way.startsWith(sep));
}

function escape(subPath: string): PodHostError {
  return new PodHostError('SUB_PATH', `subPath ${JSON.stringify(subPath)} leads out of its volume`);
}

async function openInside(parent: FileHandle, name: string): Promise<FileHandle> {
  return open(`/proc/self/fd/${parent.fd}/${name}`, O_PATH | constants.O_NOFOLLOW);
}

/** Opens a clean relative path from a folder on, part by part, following no link. The caller closes it. */
async function openParts(root: string, parts: readonly string[], create: boolean): Promise<FileHandle> {
  let current = await open(root, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  for (const name of parts) {
    const parent = current;
    try {
      current = await openInside(parent, name).catch(async (error: NodeJS.ErrnoException) => {
        if (!create || error.code !== 'ENOENT') throw error;
        await mkdir(`/proc/self/fd/${parent.fd}/${name}`, { mode: 0o750 });
        return openInside(parent, name);
      });
      const stat = await current.stat();
      if (stat.isSymbolicLink()) {
        await current.close();
        throw escape(parts.join('/'));
      }
    } finally {
      await parent.close();
    }
  }
  return current;
}

/** The deepest part of `path` that exists, resolved, with what is missing below it. */
async function resolveExisting(root: string, subPath: string): Promise<{ real: string; missing: string[] }> {
  const missing: string[] = [];
  for (let path = join(root, subPath); ; path = dirname(path)) {
    try {
      return { real: await realpath(path), missing };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || path === root) throw error;
      const dangling = await lstat(path).then(
        (stat) => stat.isSymbolicLink(),
        () => false,
      );
      if (dangling) throw escape(subPath);
      missing.unshift(path.slice(dirname(path).length + 1));
    }
  }
}

async function openSubPath(volume: string, subPath: string): Promise<FileHandle> {
  const root = await realpath(volume);
  const { real, missing } = await resolveExisting(root, subPath);
  if (!isInside(root, real)) throw escape(subPath);
  const way = relative(root, real);
  return openParts(root, [...(way === '' ? [] : way.split(sep)), ...missing], true);
}

/**
 * Binds `volume/subPath` to `target` and returns it; makes missing folders. A target that is mounted already is kept, as a
 * running container may use it.
 */
export async function bindSubPath(volume: string, subPath: string, target: string): Promise<string> {
  if (relativePathProblem(subPath) !== undefined) throw escape(subPath);
  if ((await listMounts()).some((mount) => mount.target === target)) return target;
  const handle = await openSubPath(volume, subPath);
  try {
    const stat = await handle.stat();
    await rm(target, { recursive: true, force: true });
    await mkdir(stat.isDirectory() ? target : dirname(target), { recursive: true, mode: 0o750 });
    if (!stat.isDirectory()) await writeFile(target, '', { mode: 0o640 });
    const source = `/proc/${process.pid}/fd/${handle.fd}`;
    await runCommand(['mount', '--no-canonicalize', '--bind', '--', source, target]);
  } finally {
    await handle.close();
  }
  return target;
}

/** For a container that is made again: its earlier binding may show what is no longer there. */
export async function releaseSubPath(target: string): Promise<void> {
  for (;;) {
    if (!(await listMounts()).some((mount) => mount.target === target)) return;
    await unmount(target, { lazy: true });
  }
}
