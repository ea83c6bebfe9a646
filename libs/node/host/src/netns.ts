/** Named network namespaces: making, checking, entering and removing them. */
import { access, unlink } from 'node:fs/promises';
import { unmountAllBelow } from './mounts.js';
import { netnsFolder } from './node-names.js';
import { CommandFailedError, type CommandOutput, type RunCommandOptions, runCommand } from './run-command.js';

/** The command line that runs `argv` inside the network namespace at `netnsPath`, everything else staying the caller's. */
export function argvInNetns(netnsPath: string, argv: readonly string[]): readonly string[] {
  return ['nsenter', `--net=${netnsPath}`, '--', ...argv];
}

/** `runCommand` inside the namespace at `netnsPath`. */
export function runInNetns(
  netnsPath: string,
  argv: readonly string[],
  options: RunCommandOptions = {},
): Promise<CommandOutput> {
  return runCommand(argvInNetns(netnsPath, argv), options);
}

async function isNamespace(path: string): Promise<boolean> {
  try {
    await runInNetns(path, ['true']);
    return true;
  } catch (error) {
    if (error instanceof CommandFailedError) return false;
    throw error;
  }
}

/** Makes the namespace `name`, or keeps the one there is. A left-over file that is no namespace any more is replaced. */
export async function ensureNetns(name: string): Promise<void> {
  const path = `${netnsFolder}/${name}`;
  const exists = await access(path).then(
    () => true,
    () => false,
  );
  if (exists && (await isNamespace(path))) return;
  if (exists) await unlink(path);
  await runCommand(['ip', 'netns', 'add', name]);
}

/** Takes the namespace's name away, whatever it is mounted; the namespace ends with the last process in it. */
export async function removeNetns(name: string): Promise<void> {
  const path = `${netnsFolder}/${name}`;
  await unmountAllBelow(path);
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}
