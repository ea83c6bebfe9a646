/**
 * A file system of a test's own that can lose its power: what was written and not synced is gone then. It lies on a loop
 * device over an image; what has reached the image is what a disk would have after power loss, and the rest is in memory.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface LosingDisk {
  /** Where the file system is mounted. */
  readonly folder: string;
  /** Gives back what had reached the disk when it was called. Nothing may have a file open in it. */
  losePower(): Promise<void>;
  remove(): Promise<void>;
}

const imageBytes = 256 * 1024 * 1024;

/** Why none can be made here; undefined when one can. */
export function losingDiskProblem(): string | undefined {
  if (process.getuid?.() !== 0) return 'mounting a file system needs root';
  if (!existsSync('/dev/loop-control')) return 'there are no loop devices';
  return undefined;
}

export async function createLosingDisk(): Promise<LosingDisk> {
  const base = await mkdtemp(join(tmpdir(), 'periplus-disk-'));
  const [image, lost, folder] = [join(base, 'image'), join(base, 'lost'), join(base, 'mount')];
  await mkdir(folder);
  // Servers that refuse root come through here too.
  await chmod(base, 0o711);
  await writeFile(image, '');
  await truncate(image, imageBytes);
  await run('mkfs.ext4', ['-q', '-F', image]);
  // A commit of the file system's own, every 5 s by default, would save what nobody synced.
  const mount = (): Promise<unknown> => run('mount', ['-o', 'loop,noatime,commit=300', image, folder]);
  const unmount = (): Promise<unknown> => run('umount', [folder]);
  await mount();
  return {
    folder,
    async losePower() {
      // Unmounting writes everything that is left: to an image that nobody will look at again.
      await copyFile(image, lost);
      await unmount();
      await rename(lost, image);
      await mount();
    },
    async remove() {
      await unmount();
      await rm(base, { recursive: true, force: true });
    },
  };
}
