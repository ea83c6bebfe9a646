/** A server as a child process of the test: started, killed and started again, gone with the test. */
import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';

export interface ChildServer {
  start(): Promise<void>;
  /** SIGKILL, and resolves when the process is gone. */
  kill(): Promise<void>;
  /** The stop signal, then SIGKILL after some seconds. */
  stop(): Promise<void>;
  /** SIGSTOP: it keeps its connections and answers nothing. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
}

const outputCharsMax = 20_000;
const stopLimitMs = 5_000;

/** @param ready resolves when the server answers; `check` throws when the process has ended. */
export function createChildServer(
  command: string,
  args: readonly string[],
  options: Pick<SpawnOptions, 'uid' | 'gid' | 'cwd' | 'env'> & { readonly stopSignal?: NodeJS.Signals },
  ready: (check: () => void) => Promise<void>,
): ChildServer {
  const { stopSignal = 'SIGTERM', ...spawnOptions } = options;
  let child: ChildProcess | undefined;
  const killOnExit = (): void => void child?.kill('SIGKILL');

  const hasEnded = (process: ChildProcess): boolean => process.exitCode !== null || process.signalCode !== null;

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = child;
    if (ending === undefined || hasEnded(ending)) return;
    const gone = new Promise<void>((resolve) => ending.once('exit', () => resolve()));
    ending.kill(signal);
    const timer = setTimeout(() => ending.kill('SIGKILL'), stopLimitMs);
    await gone;
    clearTimeout(timer);
    process.off('exit', killOnExit);
  }

  return {
    async start() {
      let output = '';
      const starting = spawn(command, args, { ...spawnOptions, stdio: ['ignore', 'pipe', 'pipe'] });
      child = starting;
      process.on('exit', killOnExit);
      const failed = new Promise<never>((_resolve, reject) => starting.once('error', reject));
      const collect = (chunk: Buffer): void => {
        output = (output + chunk.toString()).slice(-outputCharsMax);
      };
      starting.stdout?.on('data', collect);
      starting.stderr?.on('data', collect);
      await Promise.race([
        failed,
        ready(() => {
          if (hasEnded(starting)) throw new Error(`${command} ended:\n${output}`);
        }),
      ]);
    },
    kill: () => end('SIGKILL'),
    stop: () => end(stopSignal),
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
  };
}
