/** Canonical JSON of any value: map keys by UTF-8 bytes, 64-bit integers as their digits. */
import { type Json, type JsonObject, LosslessInteger } from '@periplus/api/meta';
import { sortedKeys } from './utf8-order.js';

const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** A JSON string literal. */
export function quoteJson(text: string): string {
  return text.length < 64 && plain.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** Throws TypeError for what isn't JSON (NaN, functions); that is a fault of the caller, not of a user. */
export function encodeJson(value: Json | undefined): string {
  switch (typeof value) {
    case 'string':
      return quoteJson(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`${value} has no JSON form`);
      return Object.is(value, -0) ? '0' : String(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'undefined':
      return 'null';
    case 'object':
      if (value === null) return 'null';
      if (value instanceof LosslessInteger) return value.digits;
      return Array.isArray(value) ? encodeArray(value as readonly Json[]) : encodeMap(value as JsonObject);
    default:
      throw new TypeError(`a ${typeof value} has no JSON form`);
  }
}

function encodeArray(values: readonly Json[]): string {
  let text = '[';
  for (let at = 0; at < values.length; at += 1) text += (at === 0 ? '' : ',') + encodeJson(values[at]);
  return `${text}]`;
}

function encodeMap(object: JsonObject): string {
  let text = '';
  for (const key of sortedKeys(object)) {
    const value = object[key];
    if (value === undefined) continue;
    text += `${text === '' ? '{' : ','}${quoteJson(key)}:${encodeJson(value)}`;
  }
  return text === '' ? '{}' : `${text}}`;
}
