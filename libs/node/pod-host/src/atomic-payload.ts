/**
 * Writes the files of a volume so that readers see all old or all new ones.
 *
 *   volume/config.yaml → ..data/config.yaml      (never changes)
 *   volume/..data      → ..2026_01_01_x          (swapped by a rename)
 *   volume/..2026_01_01_x/config.yaml            (the content)
 */
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { PayloadFile } from '@periplus/node/pod-lifecycle';

export interface PayloadOwner {
  /** Group of all files and folders; theirs as they are made when undefined. */
  readonly gid?: number;
}

const DATA = '..data';

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** With a group, whoever is in it may read. */
function modeOf(file: PayloadFile, owner: PayloadOwner): number {
  return owner.gid === undefined ? file.mode : file.mode | 0o440;
}

async function sameFile(path: string, file: PayloadFile, owner: PayloadOwner): Promise<boolean> {
  try {
    const stat = await lstat(path);
    if (!stat.isFile() || (stat.mode & 0o7777) !== modeOf(file, owner)) return false;
    if (stat.size !== file.content.length) return false;
    return (await readFile(path)).equals(file.content);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function filesBelow(folder: string, prefix = ''): Promise<string[]> {
  const entries = await readdir(join(folder, prefix), { withFileTypes: true });
  const nested = entries.map((entry) => {
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(folder, path) : Promise.resolve([path]);
  });
  return (await Promise.all(nested)).flat();
}

async function isCurrent(folder: string, files: readonly PayloadFile[], owner: PayloadOwner): Promise<boolean> {
  const present = await filesBelow(folder);
  if (present.length !== files.length) return false;
  const same = await Promise.all(files.map((file) => sameFile(join(folder, file.path), file, owner)));
  return same.every(Boolean);
}

async function writeAll(folder: string, files: readonly PayloadFile[], owner: PayloadOwner): Promise<void> {
  await mkdir(folder, { mode: 0o755 });
  const folders = new Set<string>();
  for (const file of files) {
    const path = join(folder, file.path);
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    for (let up = dirname(path); up !== folder; up = dirname(up)) folders.add(up);
    await writeFile(path, file.content, { mode: 0o600 });
    if (file.uid !== undefined || owner.gid !== undefined) await chown(path, file.uid ?? 0, owner.gid ?? 0);
    await chmod(path, modeOf(file, owner));
  }
  for (const up of [folder, ...folders]) {
    if (owner.gid !== undefined) await chown(up, 0, owner.gid);
    await chmod(up, 0o755);
  }
}

async function currentTarget(volume: string): Promise<string | undefined> {
  try {
    return await readlink(join(volume, DATA));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Each first part of a path is a link into ..data; links of what is no longer there go. */
async function linkVisible(volume: string, files: readonly PayloadFile[]): Promise<void> {
  const wanted = new Set(files.map((file) => file.path.split('/')[0] ?? ''));
  const present = (await readdir(volume)).filter((name) => !name.startsWith('..'));
  for (const name of wanted) if (!present.includes(name)) await symlink(`${DATA}/${name}`, join(volume, name));
  for (const name of present) if (!wanted.has(name)) await rm(join(volume, name), { recursive: true });
}

/** `volume` is a folder that exists. Does nothing when it holds just these files already. */
export async function writePayload(volume: string, files: readonly PayloadFile[], owner: PayloadOwner): Promise<void> {
  const before = await currentTarget(volume);
  if (before !== undefined && (await isCurrent(join(volume, before), files, owner))) {
    await linkVisible(volume, files);
    return;
  }
  const next = `..${randomBytes(8).toString('hex')}`;
  await writeAll(join(volume, next), files, owner);
  const swap = join(volume, `..data_tmp_${next.slice(2)}`);
  await symlink(next, swap);
  await rename(swap, join(volume, DATA));
  await linkVisible(volume, files);
  for (const name of await readdir(volume)) {
    const stale = name.startsWith('..') && name !== DATA && name !== next;
    if (stale) await rm(join(volume, name), { recursive: true, force: true });
  }
}
