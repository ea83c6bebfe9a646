/** A server as a child process of the benchmark: its output is kept for when it fails, and it ends with us. */
import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';

export interface ServerProcess {
  readonly pid: number;
  /** SIGTERM, then SIGKILL after some seconds; resolves when it is gone. */
  stop(): Promise<void>;
}

const outputCharsMax = 20_000;
const startLimitMs = 120_000;
const stopLimitMs = 10_000;
const pollMs = 10;

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

export async function startProcess(
  command: string,
  args: readonly string[],
  isReady: () => Promise<boolean>,
  options: Pick<SpawnOptions, 'cwd' | 'env' | 'uid' | 'gid'> = {},
): Promise<ServerProcess> {
  let output = '';
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const collect = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-outputCharsMax);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  for (const deadline = performance.now() + startLimitMs; !(await isReady()); ) {
    if (hasEnded(child)) throw new Error(`${command} ended:\n${output}`);
    if (performance.now() > deadline) throw new Error(`${command} is not ready:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  return {
    pid: child.pid!,
    async stop() {
      process.off('exit', kill);
      if (hasEnded(child)) return;
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGTERM');
      const timer = setTimeout(kill, stopLimitMs);
      await gone;
      clearTimeout(timer);
    },
  };
}
