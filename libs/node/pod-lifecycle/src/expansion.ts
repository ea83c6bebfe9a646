/** `$(NAME)` in commands, arguments, environment and sub-paths. `$$` is a dollar; unknown names stay as they are. */

export type Lookup = (name: string) => string | undefined;

/**
 * `expand('$(A)-$$(A)-$(B)', …)` with A=1 gives `1-$(A)-$(B)`. `onMissing` hears of each name that isn't known.
 */
export function expand(text: string, lookup: Lookup, onMissing?: (name: string) => void): string {
  let result = '';
  let position = 0;
  while (position < text.length) {
    const dollar = text.indexOf('$', position);
    if (dollar === -1 || dollar === text.length - 1) return result + text.slice(position);
    result += text.slice(position, dollar);
    const next = text[dollar + 1];
    if (next === '$') {
      result += '$';
      position = dollar + 2;
      continue;
    }
    const end = next === '(' ? text.indexOf(')', dollar + 2) : -1;
    if (end === -1) {
      result += next === '(' ? '$(' : `$${next}`;
      position = dollar + 2;
      continue;
    }
    const name = text.slice(dollar + 2, end);
    const value = lookup(name);
    if (value === undefined) onMissing?.(name);
    result += value ?? `$(${name})`;
    position = end + 1;
  }
  return result;
}
