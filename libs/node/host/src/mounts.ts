/** Mounts: tmpfs volumes, what is mounted below a folder, and taking it all away. */
import { readFile } from 'node:fs/promises';
import { runCommand } from './run-command.js';

export interface Mount {
  readonly target: string;
  readonly fsType: string;
  readonly source: string;
  /** The path inside the file system that is mounted; not `/` for bind mounts and cgroups. */
  readonly root: string;
  /** Options of the mount and of its file system. */
  readonly options: readonly string[];
}

/** mountinfo writes space, tab, newline and backslash in octal. */
function unescape(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Reads the lines of /proc/PID/mountinfo, in the order of mounting. */
export function parseMountInfo(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.split(' ');
    const separator = fields.indexOf('-', 6);
    if (separator === -1) return [];
    const [, , , root = '', target = '', options = ''] = fields;
    const [fsType = '', source = '', superOptions = ''] = fields.slice(separator + 1);
    const all = [...options.split(','), ...superOptions.split(',')].filter((option) => option !== '');
    return [{ target: unescape(target), fsType, source: unescape(source), root: unescape(root), options: all }];
  });
}

/** All mounts of this process's mount namespace, in the order of mounting. */
export async function listMounts(): Promise<readonly Mount[]> {
  return parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** The mounts at `folder` and below, the last mounted first: the order in which they can be unmounted. */
export async function listMountsBelow(folder: string): Promise<readonly Mount[]> {
  const prefix = folder.endsWith('/') ? folder : `${folder}/`;
  const mounts = (await listMounts()).filter(({ target }) => target === folder || target.startsWith(prefix));
  return mounts.toReversed();
}

export interface TmpfsOptions {
  /** Absent: half of the machine's memory, the kernel's default. */
  readonly sizeBytes?: number;
  /** Permission bits of its root. Default 0o777. */
  readonly mode?: number;
}

/** Mounts a fresh tmpfs at `target`, a folder that exists; does nothing when one is mounted there already. */
export async function mountTmpfs(target: string, { sizeBytes, mode = 0o777 }: TmpfsOptions = {}): Promise<void> {
  const mounted = (await listMounts()).some((mount) => mount.target === target && mount.fsType === 'tmpfs');
  if (mounted) return;
  const options = [`mode=${mode.toString(8)}`, ...(sizeBytes === undefined ? [] : [`size=${sizeBytes}`])];
  await runCommand(['mount', '-t', 'tmpfs', '-o', options.join(','), 'tmpfs', target]);
}

/** Unmounts the topmost mount at `target`. `lazy` takes it from sight at once and ends it when nobody uses it any more. */
export async function unmount(target: string, { lazy = false }: { readonly lazy?: boolean } = {}): Promise<void> {
  await runCommand(['umount', '--no-canonicalize', ...(lazy ? ['--lazy'] : []), '--', target]);
}

/** Lazily unmounts everything at `folder` and below; returns the targets. A mount that another process takes away meanwhile is no failure. */
export async function unmountAllBelow(folder: string): Promise<readonly string[]> {
  const unmounted: string[] = [];
  for (const { target } of await listMountsBelow(folder)) {
    try {
      await unmount(target, { lazy: true });
      unmounted.push(target);
    } catch (error) {
      if ((await listMounts()).some((mount) => mount.target === target)) throw error;
    }
  }
  return unmounted;
}
