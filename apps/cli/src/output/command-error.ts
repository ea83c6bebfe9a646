/** How a command ends badly: the message for the user, what to do about it, and the exit code. */

/** What a command's exit code means: the one table, which `--help` prints. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  notRunning: 3,
  interrupted: 130,
  terminated: 143,
} as const;

export const exitCodeMeanings: readonly (readonly [code: number, meaning: string])[] = [
  [exitCodes.done, 'done'],
  [exitCodes.failed, 'it failed, or the server refused'],
  [exitCodes.usage, 'wrong usage, or a file that is not what it should be, such as broken YAML'],
  [exitCodes.notRunning, 'the cluster does not run, or there is none of that name'],
  [exitCodes.interrupted, 'interrupted by Ctrl-C (143: by SIGTERM); run it again to go on'],
];

export type FailureExitCode = typeof exitCodes.failed | typeof exitCodes.usage | typeof exitCodes.notRunning;

export class CommandFailure extends Error {
  readonly code = 'CommandFailure';
  readonly exitCode: FailureExitCode;
  /** Lines to show below the message: a log's end, what to try. */
  readonly hint: string | undefined;

  constructor(
    message: string,
    options: { readonly exitCode?: FailureExitCode; readonly hint?: string; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'CommandFailure';
    this.exitCode = options.exitCode ?? exitCodes.failed;
    this.hint = options.hint;
  }
}

export function usageError(message: string, hint?: string): CommandFailure {
  return new CommandFailure(message, { exitCode: exitCodes.usage, ...(hint === undefined ? {} : { hint }) });
}
