/** Runs a program of the machine with an argument array, a deadline and bounded output. */
import { spawn } from 'node:child_process';

export interface RunCommandOptions {
  /** Written to the program's standard input, which is then closed. */
  readonly stdin?: string | Uint8Array;
  /** After it the program is killed with SIGKILL and the call rejects. Default 30 s. */
  readonly timeoutMs?: number;
  /** Each of stdout and stderr; a program that writes more is killed. Default 64 MiB. */
  readonly outputBytesMax?: number;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes besides 0 that are an answer and no failure. */
  readonly acceptedExitCodes?: readonly number[];
  readonly signal?: AbortSignal;
}

export interface CommandOutput {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

function describeArgv(argv: readonly string[]): string {
  const text = argv.join(' ');
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

/** The program ran and said no: it exited with a code that was not accepted, or by a signal. */
export class CommandFailedError extends Error {
  readonly code = 'CommandFailed';
  constructor(
    readonly argv: readonly string[],
    /** Undefined when a signal ended it. */
    readonly exitCode: number | undefined,
    readonly signal: string | undefined,
    readonly stderr: string,
  ) {
    const ending = exitCode === undefined ? `was ended by ${signal}` : `exited with ${exitCode}`;
    super(`${describeArgv(argv)} ${ending}${stderr.trim() === '' ? '' : `: ${stderr.trim().slice(-2000)}`}`);
    this.name = 'CommandFailedError';
  }
}

/** The program had not ended by its deadline, or wrote more than allowed, or the caller gave up: it was killed. */
export class CommandStoppedError extends Error {
  readonly code = 'CommandStopped';
  constructor(
    readonly argv: readonly string[],
    readonly reason: 'timeout' | 'output-too-large' | 'aborted',
    readonly stderr: string,
  ) {
    super(`${describeArgv(argv)} was killed (${reason})`);
    this.name = 'CommandStoppedError';
  }
}

/** The program could not be started; mostly it is not installed. */
export class CommandUnavailableError extends Error {
  readonly code = 'CommandUnavailable';
  constructor(
    readonly argv: readonly string[],
    cause: unknown,
  ) {
    super(`${argv[0] ?? 'an empty command'} cannot be started`, { cause });
    this.name = 'CommandUnavailableError';
  }
}

export type CommandError = CommandFailedError | CommandStoppedError | CommandUnavailableError;

const timeoutMsDefault = 30_000;
const outputBytesMaxDefault = 64 * 1024 * 1024;

/** A bounded collector of a stream's chunks. */
function createCollector(bytesMax: number): { add(chunk: Buffer): boolean; text(): string } {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return {
    add(chunk) {
      bytes += chunk.length;
      if (bytes > bytesMax) return false;
      chunks.push(chunk);
      return true;
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}

/** Runs `argv` to its end. Rejects with a `CommandError`, never with anything else. */
export function runCommand(argv: readonly string[], options: RunCommandOptions = {}): Promise<CommandOutput> {
  const { stdin, timeoutMs = timeoutMsDefault, outputBytesMax = outputBytesMaxDefault } = options;
  const accepted = new Set([0, ...(options.acceptedExitCodes ?? [])]);
  const [program, ...args] = argv;
  return new Promise((resolve, reject) => {
    if (program === undefined) {
      reject(new CommandUnavailableError(argv, new Error('no program is named')));
      return;
    }
    const child = spawn(program, args, {
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: options.env === undefined ? process.env : { ...process.env, ...options.env },
    });
    const stdout = createCollector(outputBytesMax);
    const stderr = createCollector(outputBytesMax);
    let stopped: CommandStoppedError['reason'] | undefined;
    const stop = (reason: CommandStoppedError['reason']): void => {
      stopped ??= reason;
      child.kill('SIGKILL');
      // A grandchild may still hold the pipes; without this 'close' would wait for it.
      child.stdout?.destroy();
      child.stderr?.destroy();
    };
    const timer = setTimeout(() => stop('timeout'), timeoutMs);
    const onAbort = (): void => stop('aborted');
    if (options.signal?.aborted) onAbort();
    else options.signal?.addEventListener('abort', onAbort, { once: true });
    const settle = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
    };

    child.stdout?.on('data', (chunk: Buffer) => stdout.add(chunk) || stop('output-too-large'));
    child.stderr?.on('data', (chunk: Buffer) => stderr.add(chunk) || stop('output-too-large'));
    child.on('error', (error) => {
      settle();
      reject(new CommandUnavailableError(argv, error));
    });
    child.on('close', (exitCode, signal) => {
      settle();
      if (stopped !== undefined) reject(new CommandStoppedError(argv, stopped, stderr.text()));
      else if (exitCode !== null && accepted.has(exitCode)) {
        resolve({ stdout: stdout.text(), stderr: stderr.text(), exitCode });
      } else reject(new CommandFailedError(argv, exitCode ?? undefined, signal ?? undefined, stderr.text()));
    });
    // A program that exits without reading its input closes the pipe; its exit code tells the story.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(stdin);
  });
}
