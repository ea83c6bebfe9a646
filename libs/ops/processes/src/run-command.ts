/** Runs a command to its end: arguments as a list, output bounded, with a deadline. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

const outputBytesMax = 64 << 20;
/** How much of the output an error message shows. */
const tailCharsMax = 2_000;

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string | Uint8Array;
  readonly uid?: number;
  readonly gid?: number;
  /**
   * A file that the command writes its output to itself, so that it can go on to a good end when this process dies: what
   * has nobody who reads its output is killed by it. The standard output is then empty, the rest what is in the file.
   */
  readonly outputFile?: string;
  /** Then it is killed, and the call fails. Default one minute. */
  readonly timeoutMs?: number;
}

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export class CommandError extends Error {
  readonly code = 'CommandFailed';
  readonly exitCode: number | undefined;
  readonly output: string;

  constructor(command: string, reason: string, output: string, exitCode?: number, cause?: unknown) {
    const tail = output.trim().slice(-tailCharsMax);
    super(`${command} ${reason}${tail === '' ? '' : `: ${tail}`}`, { cause });
    this.name = 'CommandError';
    this.exitCode = exitCode;
    this.output = output;
  }
}

/** Resolves whatever the exit code; fails when the command cannot be started, is killed, or says too much. */
export function tryCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { cwd, env, input, uid, gid, outputFile, timeoutMs = 60_000 } = options;
  const title = [command, ...args].join(' ').slice(0, 300);
  return new Promise((resolve, reject) => {
    const output = outputFile === undefined ? undefined : openSync(outputFile, 'w', 0o640);
    const child = spawn(command, args, {
      ...(cwd === undefined ? {} : { cwd }),
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
      env: { ...process.env, ...env },
      stdio: ['pipe', output ?? 'pipe', output ?? 'pipe'],
    });
    if (output !== undefined) closeSync(output);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let size = 0;
    let ended: string | undefined;
    const end = (reason: string) => {
      ended ??= reason;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => end(`took more than ${timeoutMs / 1000} s`), timeoutMs);
    const collect = (chunks: Buffer[]) => (chunk: Buffer) => {
      size += chunk.length;
      if (size > outputBytesMax) end('wrote too much');
      else chunks.push(chunk);
    };
    child.stdout?.on('data', collect(stdout));
    child.stderr?.on('data', collect(stderr));
    // A command that does not read its input closes the pipe; its exit code says what that means.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new CommandError(title, 'cannot be started', error.message, undefined, error));
    });
    child.on('close', (exitCode, signal) => {
      clearTimeout(timer);
      const errors = outputFile === undefined ? Buffer.concat(stderr).toString() : readFileSync(outputFile, 'utf8');
      if (exitCode === null) reject(new CommandError(title, ended ?? `was killed by ${signal}`, errors));
      else resolve({ exitCode, stdout: Buffer.concat(stdout), stderr: errors });
    });
  });
}

/** As `tryCommand`, but an exit code other than 0 is a failure. Gives the standard output. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Buffer> {
  const { exitCode, stdout, stderr } = await tryCommand(command, args, options);
  if (exitCode === 0) return stdout;
  const title = [command, ...args].join(' ').slice(0, 300);
  throw new CommandError(
    title,
    `exited with ${exitCode}`,
    `${stdout.toString().slice(-tailCharsMax)}${stderr}`,
    exitCode,
  );
}
