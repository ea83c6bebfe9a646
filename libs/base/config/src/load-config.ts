/** Reads a program's configuration: flags over environment variables over a JSON file over defaults. */
import { readFileSync } from 'node:fs';
import { ConfigError } from './config-error.js';
import { type Config, type ConfigDefinition, type ConfigOption, flagOf, variableOf } from './config-table.js';
import { parseDuration } from './duration.js';
import { formatHelp } from './help.js';
import { nearestWord } from './nearest-word.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** `help`: --help was asked; print the text and leave with 0. */
export type LoadedConfig<Options extends readonly ConfigOption[]> =
  | { readonly kind: 'config'; readonly config: Config<Options> }
  | { readonly kind: 'help'; readonly text: string };

type Parsed =
  | { readonly ok: true; readonly value: string | number | boolean | readonly string[] }
  | { readonly ok: false; readonly wanted: string };

const refused = (wanted: string): Parsed => ({ ok: false, wanted });

function parseValue(option: ConfigOption, raw: unknown): Parsed {
  switch (option.type) {
    case 'string':
      return typeof raw === 'string' ? { ok: true, value: raw } : refused('a text');
    case 'number': {
      const value = typeof raw === 'string' && raw.trim() !== '' ? Number(raw) : raw;
      return typeof value === 'number' && Number.isFinite(value) ? { ok: true, value } : refused('a number');
    }
    case 'boolean': {
      if (typeof raw === 'boolean') return { ok: true, value: raw };
      if (raw === 'true' || raw === '1') return { ok: true, value: true };
      if (raw === 'false' || raw === '0') return { ok: true, value: false };
      return refused('true or false');
    }
    case 'duration': {
      const value = typeof raw === 'string' ? parseDuration(raw) : raw;
      const valid = typeof value === 'number' && Number.isFinite(value) && value >= 0;
      return valid ? { ok: true, value } : refused('a duration such as 5s or 1m30s');
    }
    case 'strings': {
      if (typeof raw === 'string')
        return { ok: true, value: raw === '' ? [] : raw.split(',').map((part) => part.trim()) };
      const valid = Array.isArray(raw) && raw.every((part) => typeof part === 'string');
      return valid ? { ok: true, value: raw } : refused('a list of texts');
    }
  }
}

/** Flags by option name; a repeated flag of a list adds to it, of anything else is a problem. */
function readFlags(
  options: readonly ConfigOption[],
  argv: readonly string[],
  problems: string[],
): { readonly values: Map<string, string>; readonly help: boolean } {
  const byFlag = new Map(options.map((option) => [flagOf(option.name), option]));
  const values = new Map<string, string>();
  let help = false;
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? '';
    if (argument === '--help' || argument === '-h') {
      help = true;
      continue;
    }
    if (!argument.startsWith('--')) {
      problems.push(`unexpected argument ${JSON.stringify(argument)}`);
      continue;
    }
    const equals = argument.indexOf('=');
    const flag = equals === -1 ? argument : argument.slice(0, equals);
    const option = byFlag.get(flag);
    if (option === undefined && flag !== '--config') {
      const nearest = nearestWord(flag, ['--config', ...byFlag.keys()]);
      problems.push(`unknown flag ${flag}${nearest === undefined ? '' : `, did you mean ${nearest}?`}`);
      continue;
    }
    const name = option?.name ?? 'config';
    let value: string | undefined = equals === -1 ? undefined : argument.slice(equals + 1);
    if (value === undefined && option?.type === 'boolean') value = 'true';
    if (value === undefined) value = argv[++index];
    if (value === undefined) {
      problems.push(`${flag} needs a value`);
      continue;
    }
    const earlier = values.get(name);
    if (earlier !== undefined && option?.type !== 'strings') problems.push(`${flag} is given twice`);
    values.set(name, earlier !== undefined && option?.type === 'strings' ? `${earlier},${value}` : value);
  }
  return { values, help };
}

function readFile(options: readonly ConfigOption[], path: string, problems: string[]): ReadonlyMap<string, unknown> {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    problems.push(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
    return new Map();
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    problems.push(`${path} does not hold a JSON object`);
    return new Map();
  }
  const known = new Set(options.map((option) => option.name));
  const values = new Map(Object.entries(content));
  for (const key of values.keys()) {
    if (known.has(key)) continue;
    const nearest = nearestWord(key, known);
    problems.push(`unknown key ${JSON.stringify(key)} in ${path}${nearest ? `, did you mean ${nearest}?` : ''}`);
  }
  return values;
}

/**
 * The configuration from `argv` (without program and script), `env` and the file named by `--config`.
 * Throws `ConfigError` with every problem found.
 */
export function loadConfig<const Options extends readonly ConfigOption[]>(
  definition: ConfigDefinition<Options>,
  argv: readonly string[],
  env: Environment,
): LoadedConfig<Options> {
  const problems: string[] = [];
  const flags = readFlags(definition.options, argv, problems);
  if (flags.help) return { kind: 'help', text: formatHelp(definition) };
  const path = flags.values.get('config') ?? env[variableOf('config')];
  const file = path === undefined ? new Map<string, unknown>() : readFile(definition.options, path, problems);

  const config: Record<string, unknown> = {};
  for (const option of definition.options) {
    const variable = variableOf(option.name);
    let source: string = flagOf(option.name);
    let raw: unknown = flags.values.get(option.name);
    if (raw === undefined) [source, raw] = [variable, env[variable]];
    if (raw === undefined) [source, raw] = [`${option.name} in ${path}`, file.get(option.name)];
    if (raw === undefined) {
      if (option.required && option.default === undefined) {
        problems.push(`${flagOf(option.name)} (or ${variable}, or ${option.name} in the file) is required`);
      }
      config[option.name] = option.default;
      continue;
    }
    const parsed = parseValue(option, raw);
    if (parsed.ok) config[option.name] = parsed.value;
    else problems.push(`${source} must be ${parsed.wanted}, not ${JSON.stringify(raw)}`);
  }
  if (problems.length > 0) throw new ConfigError(definition.program, problems);
  return { kind: 'config', config: config as Config<Options> };
}

/**
 * For a program's main file: the configuration from the process's own arguments and environment. Prints the help and
 * exits with 0 when asked; prints the problems and exits with 2 when there are any.
 */
export function loadConfigOrExit<const Options extends readonly ConfigOption[]>(
  definition: ConfigDefinition<Options>,
  argv: readonly string[] = process.argv.slice(2),
): Config<Options> {
  try {
    const loaded = loadConfig(definition, argv, process.env);
    if (loaded.kind === 'config') return loaded.config;
    process.stdout.write(loaded.text);
    return process.exit(0);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) process.stderr.write(`${definition.program}: ${problem}\n`);
    process.stderr.write(`Run '${definition.program} --help' for the options.\n`);
    return process.exit(2);
  }
}
