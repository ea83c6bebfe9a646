export { ConfigError } from './config-error.js';
export {
  type Config,
  type ConfigDefinition,
  type ConfigOf,
  type ConfigOption,
  type OptionType,
} from './config-table.js';
export { defineConfig, flagOf, variableOf } from './config-table.js';
export { formatDuration, parseDuration } from './duration.js';
export { formatHelp } from './help.js';
export { type Environment, type LoadedConfig, loadConfig, loadConfigOrExit } from './load-config.js';
export { nearestWord } from './nearest-word.js';
