/**
 * The archivist: one task of back-up or restore, as the CLI asks for it. Exits with 0 when it is done, else with 1.
 *
 * It works as long as its standard input is open: who asked and was killed may ask again, and two must not write to one file.
 */
import { ConfigError, loadConfigOrExit } from '@periplus/base/config';
import { archivistConfig } from './config.js';
import type { ArchivistLine } from './report.js';
import { check, look, restore, save } from './wiring.js';

const tasks = new Map(Object.entries({ save, look, check, restore }));
const config = loadConfigOrExit(archivistConfig);
const task = tasks.get(config.task);
if (task === undefined) {
  process.stderr.write(
    `${new ConfigError('archivist', [`--task must be one of ${[...tasks.keys()].join(', ')}`]).message}\n`,
  );
  process.exit(2);
}

const say = (line: ArchivistLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const ending = new AbortController();
/** For a call that can not be given up. */
const endLimitMs = 5_000;

function end(): void {
  if (ending.signal.aborted) return;
  ending.abort(new Error('it was interrupted'));
  setTimeout(() => process.exit(1), endLimitMs).unref();
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end);
process.stdout.on('error', end);
process.stdin.on('end', end).on('error', end).resume();

function messagesOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${messagesOf(error.cause)}`;
}

try {
  await task({ config, say, signal: ending.signal });
} catch (error) {
  const code = (error as { code?: unknown }).code;
  say({ type: 'failure', code: typeof code === 'string' ? code : 'FAILED', message: messagesOf(error) });
  process.exitCode = 1;
}
process.stdin.destroy();
