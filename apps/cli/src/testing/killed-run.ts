/** A run of `./periplus` that is killed at a moment of its own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const program = join(import.meta.dirname, '..', '..', '..', '..', 'periplus');

export interface Moment {
  /** The step's title, or its beginning. */
  readonly step: string;
  readonly event: 'started' | 'done';
  readonly afterMs: number;
}

export interface KilledRun {
  readonly reached: boolean;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** Sends the signal to the command alone, never to what it has started. `reached` is false when it ended before. */
export function killAt(
  args: readonly string[],
  moment: Moment,
  env: Readonly<Record<string, string>>,
  kill: NodeJS.Signals = 'SIGKILL',
): Promise<KilledRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args, '-o', 'json'], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let reached = false;
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    createInterface(child.stdout).on('line', (line) => {
      const { type, data } = JSON.parse(line) as { type: string; data: { name?: string } };
      if (type !== `periplus.step.${moment.event}` || data.name?.startsWith(moment.step) !== true) return;
      setTimeout(() => (reached = child.kill(kill)), moment.afterMs);
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      // What it has started may still hold the pipes.
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ reached, code, signal, stderr });
    });
  });
}
