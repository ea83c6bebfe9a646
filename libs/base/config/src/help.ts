/** The --help text of a table. */
import { type ConfigDefinition, type ConfigOption, flagOf, variableOf } from './config-table.js';
import { formatDuration } from './duration.js';

const lineWidth = 100;

function wrap(text: string, indent: string): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > lineWidth && line.trim() !== '') {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  lines.push(line.trimEnd());
  return lines.join('\n');
}

function valueName(option: ConfigOption): string {
  return { string: ' TEXT', number: ' NUMBER', boolean: '', duration: ' DURATION', strings: ' TEXT,…' }[option.type];
}

function defaultText(option: ConfigOption): string | undefined {
  if (option.default === undefined) return undefined;
  if (option.type === 'duration' && typeof option.default === 'number') return formatDuration(option.default);
  return Array.isArray(option.default) ? option.default.join(',') : String(option.default);
}

/** What `--help` prints: the order of precedence, then each option with its default, variable and example. */
export function formatHelp(definition: ConfigDefinition<readonly ConfigOption[]>): string {
  const { program, summary, options } = definition;
  const example = options.find((option) => option.example !== undefined);
  const lines = [`Usage: ${program} [options]`, '', summary, '', 'Examples:'];
  lines.push(`  ${program} --config config.json`);
  if (example) lines.push(`  ${program} --config config.json ${flagOf(example.name)}=${example.example}`);
  lines.push('', 'A flag overrides its environment variable, which overrides the file.', '', 'Options:');
  lines.push(
    '  --config FILE',
    wrap('a JSON file with the options by their camelCase names (PERIPLUS_CONFIG)', '      '),
  );
  for (const option of options) {
    const notes = [variableOf(option.name)];
    const byDefault = defaultText(option);
    if (option.required) notes.push('required');
    if (byDefault !== undefined && byDefault !== '') notes.push(`default ${byDefault}`);
    if (option.example !== undefined) notes.push(`e.g. ${option.example}`);
    lines.push(`  ${flagOf(option.name)}${valueName(option)}`, wrap(`${option.help} (${notes.join('; ')})`, '      '));
  }
  lines.push('  --help', '      this text');
  return `${lines.join('\n')}\n`;
}
