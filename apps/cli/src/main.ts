/** The `periplus` command. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import pc from 'picocolors';
import { CommandFailure } from './output/command-error.js';
import { createProgram } from './program.js';

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
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const failure = error instanceof Error ? error : new Error(String(error));
  process.stderr.write(`${pc.red('Error:')} ${failure.message}\n`);
  for (const cause of causesOf(failure)) process.stderr.write(`  caused by: ${cause}\n`);
  if (failure instanceof CommandFailure && failure.hint) process.stderr.write(`${failure.hint}\n`);
  if ((failure as NodeJS.ErrnoException).code === 'EACCES') process.stderr.write('Try it as root, with sudo.\n');
  if (process.env['PERIPLUS_DEBUG']) process.stderr.write(`${failure.stack}\n`);
  return failure instanceof CommandFailure ? failure.exitCode : 1;
}

// Output into a pipe whose reader left (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await createProgram({ repositoryRoot }, version).parseAsync(process.argv);
} catch (error) {
  process.exitCode = reportFailure(error);
}
