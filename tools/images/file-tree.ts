/** The files of an image layer, in memory, and the layer as a tar that is the same for the same files. */
import { readdirSync, readFileSync, readlinkSync, lstatSync } from 'node:fs';
import { join, posix } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';

export type TreeEntry =
  | { readonly type: 'file'; readonly content: Buffer; readonly mode: number }
  | { readonly type: 'directory'; readonly mode: number }
  | { readonly type: 'symlink'; readonly target: string };

/** By absolute path without the leading slash: `usr/bin/env`. */
export type FileTree = ReadonlyMap<string, TreeEntry>;

export const file = (content: string | Buffer, mode = 0o644): TreeEntry => ({
  type: 'file',
  content: Buffer.from(content),
  mode,
});
export const directory = (mode = 0o755): TreeEntry => ({ type: 'directory', mode });
export const symlink = (target: string): TreeEntry => ({ type: 'symlink', target });

/** Reads what is below a folder, as far as `choose` gives it a path in the tree. */
export function readTree(
  folder: string,
  choose: (path: string) => string | undefined,
  prefix = '',
): Map<string, TreeEntry> {
  const tree = new Map<string, TreeEntry>();
  for (const name of readdirSync(join(folder, prefix))) {
    const path = posix.join(prefix, name);
    const stat = lstatSync(join(folder, path));
    if (stat.isDirectory()) {
      for (const [below, entry] of readTree(folder, choose, path)) tree.set(below, entry);
      continue;
    }
    const chosen = choose(path);
    if (chosen === undefined) continue;
    if (stat.isSymbolicLink()) tree.set(chosen, symlink(readlinkSync(join(folder, path))));
    else if (stat.isFile()) tree.set(chosen, file(readFileSync(join(folder, path)), stat.mode & 0o755));
  }
  return tree;
}

/** Folders that entries lie in are entries of their own, before them. */
function withParents(tree: FileTree): FileTree {
  const whole = new Map<string, TreeEntry>(tree);
  for (const path of tree.keys()) {
    for (let parent = posix.dirname(path); parent !== '.'; parent = posix.dirname(parent)) {
      if (!whole.has(parent)) whole.set(parent, directory());
    }
  }
  return whole;
}

const epoch = new Date(0);

/** Sorted by path, owned by root, of the year 1970. */
export async function toTar(tree: FileTree): Promise<Buffer> {
  const archive = pack();
  const output = buffer(archive);
  const owner = { uid: 0, gid: 0, uname: '', gname: '', mtime: epoch };
  const entries = [...withParents(tree)].sort(([left], [right]) =>
    Buffer.compare(Buffer.from(left), Buffer.from(right)),
  );
  for (const [path, entry] of entries) {
    switch (entry.type) {
      case 'directory':
        archive.entry({ ...owner, name: `${path}/`, type: 'directory', mode: entry.mode });
        break;
      case 'symlink':
        archive.entry({ ...owner, name: path, type: 'symlink', linkname: entry.target, mode: 0o777 });
        break;
      case 'file':
        archive.entry({ ...owner, name: path, mode: entry.mode, size: entry.content.length }, entry.content);
        break;
    }
  }
  archive.finalize();
  return output;
}
