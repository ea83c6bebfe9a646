/** Field selectors of a query: `metadata.name=a,status.phase!=Running`. */
import type { Parsed } from './parsed.js';

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** All requirements must hold; none selects everything. */
export interface FieldSelector {
  readonly requirements: readonly FieldRequirement[];
}

/** Splits at commas that no backslash precedes. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === ',') {
      terms.push(text.slice(start, at));
      start = at + 1;
    }
  }
  terms.push(text.slice(start));
  return terms.filter((term) => term !== '');
}

/** Undefined at an escape that isn't one, or an unescaped `,` or `=`. */
function unescapeValue(text: string): string | undefined {
  if (!/^(?:[^\\,=]|\\[\\,=])*$/.test(text)) return undefined;
  return text.replace(/\\([\\,=])/g, '$1');
}

const escapeValue = (text: string): string => text.replace(/[\\,=]/g, '\\$&');

const selectorLengthMax = 64 * 1024;

/** Errors are in upstream's words. Which fields a kind has is the caller's to check. */
export function parseFieldSelector(text: string): Parsed<FieldSelector> {
  if (text.length > selectorLengthMax) return { ok: false, error: 'selector is too long' };
  const requirements: FieldRequirement[] = [];
  for (const term of splitTerms(text)) {
    const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
    const value = match === null ? undefined : unescapeValue(match[3]!);
    if (match === null || value === undefined) {
      return { ok: false, error: `invalid selector: '${text}'; can't understand '${term}'` };
    }
    requirements.push({ field: match[1]!, operator: match[2] === '!=' ? '!=' : '=', value });
  }
  return { ok: true, value: { requirements } };
}

/** `read` gives a field's value, `''` where the object has none. */
export function matchesFields(selector: FieldSelector, read: (field: string) => string): boolean {
  return selector.requirements.every(({ field, operator, value }) => (read(field) === value) === (operator === '='));
}

/** The value that a field must have, if the selector says so: what an index can be asked for. */
export function requiredFieldValue(selector: FieldSelector, field: string): string | undefined {
  return selector.requirements.find((each) => each.field === field && each.operator === '=')?.value;
}

export function formatFieldSelector(selector: FieldSelector): string {
  return selector.requirements
    .map(({ field, operator, value }) => `${field}${operator}${escapeValue(value)}`)
    .join(',');
}
