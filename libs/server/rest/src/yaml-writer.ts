/**
 * JSON values as YAML in block style, in one pass: a general library takes seconds for a large list and rounds integers.
 * Whatever could be read as something else than its own text is quoted, in YAML 1.1 and 1.2.
 *
 *     {"a": {"b": [1, {"c": "yes"}]}, "d": []}
 *
 *     a:
 *       b:
 *       - 1
 *       - c: "yes"
 *     d: []
 */
import { encodeJson } from '@periplus/api/schema';
import { type Json, type JsonObject, LosslessInteger } from '@periplus/api/meta';

/** Texts that are nothing but text wherever they stand, words of YAML's own aside. */
const plainPattern = /^[A-Za-z][A-Za-z0-9_./-]*$/;
const reservedWords = new Set(['y', 'n', 'yes', 'no', 'on', 'off', 'true', 'false', 'null']);
/** What JSON leaves as it is and YAML takes for a line break or does not print. */
const unprintable = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g;

export function toYaml(value: Json): string {
  if (!isFilled(value)) return `${scalar(value)}\n`;
  const lines: string[] = [];
  writeFilled(value, '', '', lines);
  return `${lines.join('\n')}\n`;
}

function isFilled(value: Json | undefined): value is JsonObject | Json[] {
  if (typeof value !== 'object' || value === null || value instanceof LosslessInteger) return false;
  return Array.isArray(value) ? value.length > 0 : Object.values(value).some((each) => each !== undefined);
}

/** @param first stands before the first line, `indent` before the others. */
function writeFilled(value: JsonObject | readonly Json[], first: string, indent: string, lines: string[]): void {
  let lead = first;
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) {
      if (isFilled(item)) writeFilled(item, `${lead}- `, `${indent}  `, lines);
      else lines.push(`${lead}- ${scalar(item)}`);
      lead = indent;
    }
    return;
  }
  for (const [key, item] of Object.entries(value as JsonObject)) {
    if (item === undefined) continue;
    const name = `${lead}${text(key)}:`;
    if (isFilled(item)) {
      lines.push(name);
      // A list stands as deep as its key, as Kubernetes writes it.
      const deeper = Array.isArray(item) ? indent : `${indent}  `;
      writeFilled(item, deeper, deeper, lines);
    } else lines.push(`${name} ${scalar(item)}`);
    lead = indent;
  }
}

function scalar(value: Json): string {
  return typeof value === 'string' ? text(value) : encodeJson(value);
}

function text(value: string): string {
  if (plainPattern.test(value) && !reservedWords.has(value.toLowerCase())) return value;
  return JSON.stringify(value).replace(
    unprintable,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
