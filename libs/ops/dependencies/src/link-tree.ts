/** Brings a folder to another place cheaply: by hard links, or by copies where the file systems differ. */
import { copyFileSync, linkSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

function linkOrCopy(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    copyFileSync(source, target);
  }
}

/** `target` must not exist. Symbolic links stay what they are. `copy` makes copies throughout. */
export function linkTree(source: string, target: string, { copy = false }: { readonly copy?: boolean } = {}): void {
  mkdirSync(target, { recursive: true, mode: 0o755 });
  for (const name of readdirSync(source)) {
    const [from, to] = [join(source, name), join(target, name)];
    const stat = lstatSync(from);
    if (stat.isDirectory()) linkTree(from, to, { copy });
    else if (stat.isSymbolicLink()) symlinkSync(readlinkSync(from), to);
    else if (copy) copyFileSync(from, to);
    else linkOrCopy(from, to);
  }
}
