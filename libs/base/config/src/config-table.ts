/** The table a program's options are declared in, and the typed configuration that follows from it. */

export type OptionType = 'string' | 'number' | 'boolean' | 'duration' | 'strings';

/** One option: a flag `--kebab-case`, a variable `PERIPLUS_UPPER_CASE` and a key `camelCase` of the file. */
export interface ConfigOption {
  /** camelCase; the key in the file and in the loaded configuration. */
  readonly name: string;
  /**
   * `duration` is written `500ms`, `5s`, `1m30s`, `2h` (or a bare number of milliseconds) and read as milliseconds;
   * `strings` is a comma-separated list, or the flag repeated, or an array in the file.
   */
  readonly type: OptionType;
  /** In the loaded form: a duration's default is in milliseconds. */
  readonly default?: string | number | boolean | readonly string[];
  /** Without it and without a default the value may be undefined. */
  readonly required?: boolean;
  readonly help: string;
  /** A value as one would type it, shown by --help. */
  readonly example?: string;
}

/** A program's options with what --help says about it. */
export interface ConfigDefinition<Options extends readonly ConfigOption[]> {
  /** As typed on the command line. */
  readonly program: string;
  /** One sentence. */
  readonly summary: string;
  readonly options: Options;
}

interface ValueOf {
  string: string;
  number: number;
  boolean: boolean;
  duration: number;
  strings: readonly string[];
}

type IsPresent<Option extends ConfigOption> = Option extends { readonly required: true }
  ? true
  : Option extends { readonly default: string | number | boolean | readonly string[] }
    ? true
    : false;

/** The configuration that `loadConfig` gives for a table. */
export type Config<Options extends readonly ConfigOption[]> = {
  readonly [Option in Options[number] as Option['name']]: IsPresent<Option> extends true
    ? ValueOf[Option['type']]
    : ValueOf[Option['type']] | undefined;
};

/** `Config` of a definition: `type ApiserverConfig = ConfigOf<typeof apiserverConfig>`. */
export type ConfigOf<Definition extends ConfigDefinition<readonly ConfigOption[]>> = Config<Definition['options']>;

/** Declares a program's options; the types of its configuration are inferred from them. */
export function defineConfig<const Options extends readonly ConfigOption[]>(
  definition: ConfigDefinition<Options>,
): ConfigDefinition<Options> {
  const names = new Set<string>();
  for (const option of definition.options) {
    if (!/^[a-z][a-zA-Z0-9]*$/.test(option.name) || option.name === 'config' || option.name === 'help') {
      throw new TypeError(`option name ${JSON.stringify(option.name)} is not camelCase or is reserved`);
    }
    if (names.has(option.name)) throw new TypeError(`option ${option.name} is declared twice`);
    names.add(option.name);
  }
  return definition;
}

function words(name: string): string[] {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').split(' ');
}

/** `listenAddress` → `--listen-address`. */
export function flagOf(name: string): string {
  return `--${words(name).join('-').toLowerCase()}`;
}

/** `listenAddress` → `PERIPLUS_LISTEN_ADDRESS`. */
export function variableOf(name: string): string {
  return `PERIPLUS_${words(name).join('_').toUpperCase()}`;
}
