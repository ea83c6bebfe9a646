/** What is wrong with a configuration, all of it at once. */

export class ConfigError extends Error {
  readonly code = 'ConfigInvalid';
  /** One sentence each, naming the flag, variable or key that it came from. */
  readonly problems: readonly string[];

  constructor(program: string, problems: readonly string[]) {
    super(`${program}: ${problems.join('; ')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
