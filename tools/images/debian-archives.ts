/** Debian packages, downloaded and unpacked into a folder of ours; nothing is installed. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { updatePackageLists } from '@periplus/ops/dependencies';
import { CommandError, runCommand, tryCommand } from '@periplus/ops/processes';

const downloadTimeoutMs = 5 * 60_000;

export interface DebianArchives {
  /** Downloads a package and unpacks it below the folder of its name, once. Gives that folder. */
  unpack(packageName: string): Promise<string>;
  /** As `unpack`, for the package and all that it depends on, as far as `follow` says. Gives all their folders. */
  unpackWithLibraries(packageName: string, follow: (dependency: string) => boolean): Promise<readonly string[]>;
  /** The first of the packages that exists and holds a path. */
  findOwner(packageNames: readonly string[], path: string): Promise<string>;
}

export function createDebianArchives(workFolder: string): DebianArchives {
  const unpacked = new Map<string, Promise<string>>();
  let listsRead: Promise<void> | undefined;

  const download = async (packageName: string, folder: string): Promise<string> => {
    mkdirSync(folder, { recursive: true });
    const get = () =>
      runCommand('apt-get', ['-qq', 'download', packageName], { cwd: folder, timeoutMs: downloadTimeoutMs });
    try {
      await get();
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      // The lists of packages are missing, or older than the archive.
      listsRead ??= updatePackageLists();
      await listsRead;
      await get();
    }
    const archive = readdirSync(folder).find((name) => name.endsWith('.deb'));
    if (archive === undefined) throw new Error(`apt-get downloaded no archive of ${packageName}`);
    return join(folder, archive);
  };

  const unpackOnce = async (packageName: string): Promise<string> => {
    const folder = join(workFolder, packageName);
    const archive = await download(packageName, folder);
    await runCommand('dpkg-deb', ['--extract', archive, join(folder, 'files')]);
    return join(folder, 'files');
  };

  const dependenciesOf = async (packageName: string): Promise<string[]> => {
    const folder = join(workFolder, packageName);
    const archive = readdirSync(folder).find((name) => name.endsWith('.deb')) ?? '';
    const field = (await runCommand('dpkg-deb', ['--field', join(folder, archive), 'Depends'])).toString();
    // "libc6 (>= 2.36), a | b": of alternatives the first is Debian's own choice.
    return field.split(',').flatMap((part) => part.trim().match(/^[a-z0-9][a-z0-9+.-]+/)?.[0] ?? []);
  };

  const archives: DebianArchives = {
    unpack(packageName) {
      const existing = unpacked.get(packageName) ?? unpackOnce(packageName);
      unpacked.set(packageName, existing);
      return existing;
    },
    async unpackWithLibraries(packageName, follow) {
      const folders = new Map<string, string>();
      const queue = [packageName];
      for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
        if (folders.has(name)) continue;
        folders.set(name, await archives.unpack(name));
        queue.push(...(await dependenciesOf(name)).filter(follow));
      }
      return [...folders.values()];
    },
    async findOwner(packageNames, path) {
      for (const name of packageNames) {
        const { exitCode } = await tryCommand('apt-cache', ['show', '--no-all-versions', name]);
        if (exitCode !== 0) continue;
        const folder = await archives.unpack(name);
        if (existsSync(join(folder, path))) return name;
      }
      throw new Error(`none of ${packageNames.join(', ')} holds ${path}`);
    },
  };
  return archives;
}
