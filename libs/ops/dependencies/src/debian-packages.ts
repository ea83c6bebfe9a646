/** Installs the Debian packages that the machine lacks; on other systems says what is missing. */
import { existsSync } from 'node:fs';
import { runCommand } from '@periplus/ops/processes';
import { findProgram } from './find-program.js';

/** A program or file that a package brings, so that one from elsewhere serves as well. */
export interface PackageNeed {
  readonly package: string;
  isPresent(): boolean;
}

const program = (name: string, packageName = name): PackageNeed => ({
  package: packageName,
  isPresent: () => findProgram(name) !== undefined,
});

const cniFolders = ['/opt/cni/bin', '/usr/lib/cni', '/usr/libexec/cni'];

/** The first folder that has the plugins that a node's network is made of. */
export function findCniFolder(): string | undefined {
  return cniFolders.find((folder) =>
    ['bridge', 'host-local', 'loopback', 'portmap'].every((plugin) => existsSync(`${folder}/${plugin}`)),
  );
}

/** What a machine with a node needs. */
export const nodePackages: readonly PackageNeed[] = [
  program('containerd'),
  program('runc'),
  { package: 'containernetworking-plugins', isPresent: () => findCniFolder() !== undefined },
  program('iptables'),
  program('nft', 'nftables'),
  program('conntrack'),
  program('ip', 'iproute2'),
  program('nsenter', 'util-linux'),
  program('useradd', 'passwd'),
];

export class PackagesMissingError extends Error {
  readonly code = 'PackagesMissing';
  readonly packages: readonly string[];

  constructor(packages: readonly string[], reason: string, cause?: unknown) {
    super(`these packages are needed: ${packages.join(', ')}; ${reason}`, { cause });
    this.name = 'PackagesMissingError';
    this.packages = packages;
  }
}

const installTimeoutMs = 15 * 60_000;

function aptEnvironment(): Record<string, string> {
  return { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
}

/** Reads the lists of packages afresh. */
export async function updatePackageLists(): Promise<void> {
  await runCommand('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=120', 'update'], {
    env: aptEnvironment(),
    timeoutMs: installTimeoutMs,
  });
}

/** Gives the names that were installed; `note` is told before. */
export async function ensurePackages(
  needs: readonly PackageNeed[],
  note: (message: string) => void = () => undefined,
): Promise<readonly string[]> {
  const missing = needs.filter((need) => !need.isPresent()).map((need) => need.package);
  if (missing.length === 0) return [];
  if (findProgram('apt-get') === undefined) {
    throw new PackagesMissingError(missing, 'this system has no apt-get: install what holds the same programs');
  }
  note(`installing ${missing.join(', ')}`);
  const options = ['-qq', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120'];
  try {
    await updatePackageLists();
    await runCommand('apt-get', ['install', ...options, ...missing], {
      env: aptEnvironment(),
      timeoutMs: installTimeoutMs,
    });
  } catch (error) {
    throw new PackagesMissingError(missing, 'apt-get could not install them', error);
  }
  const still = needs.filter((need) => !need.isPresent()).map((need) => need.package);
  if (still.length > 0)
    throw new PackagesMissingError(still, 'apt-get installed them, but their programs are not found');
  return missing;
}
