/** Installs the Debian packages that the machine lacks; on other systems says what is missing. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, type CommandResult, tryCommand } from '@periplus/ops/processes';
import { cacheRoot } from './cluster/cluster-paths.js';
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
/** How long another apt-get, perhaps one that an earlier run of ours left behind, is waited for. */
const lockTimeoutMs = 5 * 60_000;
const lockPollMs = 1_000;

const environment: Readonly<Record<string, string>> = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };

/** In the words of apt-get and dpkg. */
const lockedPattern = /Could not get lock|Unable to acquire the dpkg|Unable to lock|is another process using it/;
const interruptedPattern = /dpkg --configure -a/;

function run(command: string, args: readonly string[], outputFile: string): Promise<CommandResult> {
  return tryCommand(command, args, { env: environment, timeoutMs: installTimeoutMs, outputFile });
}

/**
 * Runs apt-get, waiting for whoever works with packages already, and completing what was cut off before: an earlier run
 * that was killed leaves an apt-get that goes on, or packages half installed.
 */
async function runAptGet(args: readonly string[], note: (message: string) => void): Promise<void> {
  mkdirSync(cacheRoot, { recursive: true });
  const outputFile = join(cacheRoot, `apt-get.${process.pid}.log`);
  const deadline = performance.now() + lockTimeoutMs;
  let [waits, repaired] = [false, false];
  try {
    for (;;) {
      const { exitCode, stderr: said } = await run('apt-get', args, outputFile);
      if (exitCode === 0) return;
      if (lockedPattern.test(said) && performance.now() < deadline) {
        if (!waits) note('waiting for another program that installs packages');
        waits = true;
        await sleep(lockPollMs);
      } else if (interruptedPattern.test(said) && !repaired) {
        note('completing an installation that was interrupted');
        repaired = true;
        const repair = await run('dpkg', ['--configure', '--force-confdef', '--force-confold', '-a'], outputFile);
        // dpkg is as likely to be in use; then apt-get says so.
        if (repair.exitCode !== 0 && !lockedPattern.test(repair.stderr)) {
          throw new CommandError('dpkg --configure -a', `exited with ${repair.exitCode}`, repair.stderr);
        }
      } else {
        throw new CommandError(`apt-get ${args.join(' ')}`, `exited with ${exitCode}`, said, exitCode);
      }
    }
  } finally {
    rmSync(outputFile, { force: true });
  }
}

/** Reads the lists of packages afresh. */
export async function updatePackageLists(note: (message: string) => void = () => undefined): Promise<void> {
  await runAptGet(['-qq', 'update'], note);
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
  try {
    await updatePackageLists(note);
    await runAptGet(['install', '-qq', '-y', '--no-install-recommends', ...missing], note);
  } catch (error) {
    throw new PackagesMissingError(missing, 'apt-get could not install them', error);
  }
  const still = needs.filter((need) => !need.isPresent()).map((need) => need.package);
  if (still.length > 0)
    throw new PackagesMissingError(still, 'apt-get installed them, but their programs are not found');
  return missing;
}
