/** Gives a volume to a pod's fsGroup: everything in it to the group, new files too. */
import { chmod, chown, lchown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { VolumeOwnership } from '@periplus/node/pod-lifecycle';

const GROUP_RW = 0o660;
const FOLDER_EXTRA = 0o2110;

async function give(path: string, gid: number): Promise<void> {
  const stat = await lstat(path);
  if (stat.isSymbolicLink()) {
    await lchown(path, stat.uid, gid);
    return;
  }
  await chown(path, stat.uid, gid);
  const extra = stat.isDirectory() ? GROUP_RW | FOLDER_EXTRA : GROUP_RW;
  await chmod(path, (stat.mode & 0o7777) | extra);
  if (!stat.isDirectory()) return;
  for (const name of await readdir(path)) await give(join(path, name), gid);
}

/** Does nothing without a group, or when only a root that does not match asks for it and it does match. */
export async function giveToGroup(folder: string, ownership: VolumeOwnership): Promise<void> {
  const { fsGroup, changePolicy } = ownership;
  if (fsGroup === undefined) return;
  if (changePolicy === 'OnRootMismatch') {
    const stat = await lstat(folder);
    const wanted = GROUP_RW | FOLDER_EXTRA;
    if (stat.gid === fsGroup && (stat.mode & wanted) === wanted) return;
  }
  await give(folder, fsGroup);
}
