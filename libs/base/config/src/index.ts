export { ConfigError } from './config-error.js';
export {
  type Config,
  type ConfigDefinition,
  type ConfigOf,
  type ConfigOption,
  type OptionType,
} from './config-table.js';
export { defineConfig } from './config-table.js';
export { parseDuration } from './duration.js';
export { type Environment, type LoadedConfig, loadConfig, loadConfigOrExit } from './load-config.js';
export { logLevelOf, logLevelOption } from './log-level.js';
export { nearestWord } from './nearest-word.js';
