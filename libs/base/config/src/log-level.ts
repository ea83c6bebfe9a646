/** How much a service logs: the one option that all of them have. */
import { ConfigError } from './config-error.js';

const logLevels = ['debug', 'info', 'warn', 'error'] as const;

/** To be put into a program's table. */
export const logLevelOption = {
  name: 'logLevel',
  type: 'string',
  default: 'info',
  help: 'debug, info, warn or error',
} as const;

/** Throws a ConfigError for a level that there isn't. */
export function logLevelOf(program: string, { logLevel }: { readonly logLevel: string }): (typeof logLevels)[number] {
  const level = logLevels.find((each) => each === logLevel);
  if (level === undefined) throw new ConfigError(program, [`--log-level must be one of ${logLevels.join(', ')}`]);
  return level;
}
