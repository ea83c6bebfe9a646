/** Checks a hostPath volume as its type asks, and makes what the type says may be made. */
import { mkdir, open, stat } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { PodHostError } from '@periplus/node/pod-lifecycle';

async function statOrUndefined(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

const checks: Readonly<Record<string, { readonly what: string; readonly holds: (stats: Stats) => boolean }>> = {
  Directory: { what: 'directory', holds: (stats) => stats.isDirectory() },
  DirectoryOrCreate: { what: 'directory', holds: (stats) => stats.isDirectory() },
  File: { what: 'file', holds: (stats) => stats.isFile() },
  FileOrCreate: { what: 'file', holds: (stats) => stats.isFile() },
  Socket: { what: 'socket', holds: (stats) => stats.isSocket() },
  CharDevice: { what: 'character device', holds: (stats) => stats.isCharacterDevice() },
  BlockDevice: { what: 'block device', holds: (stats) => stats.isBlockDevice() },
};

/** Rejects with `PodHostError` when the path is not what the type says. An empty type accepts anything, and makes a folder of nothing. */
export async function ensureHostPath(path: string, type: string): Promise<void> {
  const present = await statOrUndefined(path);
  if (!present && (type === 'DirectoryOrCreate' || type === '')) {
    await mkdir(path, { recursive: true, mode: 0o755 });
    return;
  }
  if (!present && type === 'FileOrCreate') {
    await (await open(path, 'a', 0o644)).close();
    return;
  }
  if (type === '') return;
  const check = checks[type];
  if (!check) throw new PodHostError('VOLUME', `hostPath type check failed: unknown type ${type}`);
  if (!present || !check.holds(present))
    throw new PodHostError('VOLUME', `hostPath type check failed: ${path} is not a ${check.what}`);
}
