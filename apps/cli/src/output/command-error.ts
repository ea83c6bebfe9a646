/** How a command ends badly: the message for the user, what to do about it, and the exit code. */

/** Exit codes: 0 done, 1 it failed, 2 it was asked wrongly. */
export type FailureExitCode = 1 | 2;

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
    this.exitCode = options.exitCode ?? 1;
    this.hint = options.hint;
  }
}

export function usageError(message: string, hint?: string): CommandFailure {
  return new CommandFailure(message, { exitCode: 2, ...(hint === undefined ? {} : { hint }) });
}
