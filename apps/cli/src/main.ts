/** The `periplus` command. */
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheRoot, stateRoot } from '@periplus/ops/dependencies';
import { CommanderError } from 'commander';
import pc from 'picocolors';
import { givenCommand } from './cluster/context.js';
import { CommandFailure, exitCodes } from './output/command-error.js';
import { describeStorageFailure } from './output/storage-failure.js';
import { createProgram, requireKnownVerb } from './program.js';

/** From dist/apps/cli/main.js. */
const repositoryRoot = join(import.meta.dirname, '..', '..', '..');
const { version } = JSON.parse(readFileSync(join(repositoryRoot, 'dist', 'build.json'), 'utf8')) as { version: string };

/** Messages of what led to an error, as far as its own message does not say so already. */
function causesOf(error: Error): string[] {
  if (!(error.cause instanceof Error)) return [];
  const { message } = error.cause;
  return [...(error.message.includes(message) ? [] : [message]), ...causesOf(error.cause)];
}

/** Prints what went wrong and gives the exit code. */
function reportFailure(error: unknown): number {
  // It has printed its message, or the help that was asked for, itself.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  const failure = error instanceof Error ? error : new Error(String(error));
  const storage = describeStorageFailure(failure, [stateRoot, cacheRoot, tmpdir()]);
  process.stderr.write(`${pc.red('Error:')} ${storage?.message ?? failure.message}\n`);
  if (storage === undefined) for (const cause of causesOf(failure)) process.stderr.write(`  caused by: ${cause}\n`);
  const hint = storage?.hint ?? (failure instanceof CommandFailure ? failure.hint : undefined);
  if (hint) process.stderr.write(`${hint}\n`);
  if ((failure as NodeJS.ErrnoException).code === 'EACCES') process.stderr.write(`Try: sudo ${givenCommand()}\n`);
  if (process.env['PERIPLUS_DEBUG']) process.stderr.write(`${failure.stack}\n`);
  return failure instanceof CommandFailure ? failure.exitCode : exitCodes.failed;
}

// Output into a pipe whose reader left (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  const program = createProgram({ repositoryRoot }, version);
  requireKnownVerb(program, process.argv.slice(2));
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = reportFailure(error);
}
