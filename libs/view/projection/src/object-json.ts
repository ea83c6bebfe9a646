/** Reads a stored object's JSON: is it one, and where does its resourceVersion go. */
import { formatResourceVersion, type Revision } from '@periplus/api/meta';
import { parseJson } from '@periplus/api/schema';
import { findMetadataInCanonical } from './json-layout.js';

export type ReadObject =
  /** `spliceAt`: the offset just behind the `{` of the metadata. */
  | { readonly outcome: 'object'; readonly spliceAt: number }
  | { readonly outcome: 'unreadable'; readonly reason: string };

const [quote, backslash, openBrace, closeBrace, openBracket, closeBracket, comma] = Buffer.from('"\\{}[],');
const metadataKey = Buffer.from('"metadata"');

/** The offset behind the string that starts at `at`. */
function skipString(json: Uint8Array, at: number): number {
  let end = at + 1;
  while (json[end] !== quote) end += json[end] === backslash ? 2 : 1;
  return end + 1;
}

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** Behind a key: past the colon and spaces. */
function skipColon(json: Uint8Array, at: number): number {
  let next = at;
  while (isSpace(json[next]) || json[next] === 0x3a) next += 1;
  return next;
}

function matches(json: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (end - start !== word.length) return false;
  for (let index = 0; index < word.length; index++) if (json[start + index] !== word[index]) return false;
  return true;
}

/** In well-formed JSON: where the top object's `metadata` object opens; the last one if there are several. */
function findMetadata(json: Uint8Array): number | undefined {
  let depth = 0;
  let found: number | undefined;
  let isKey = false;
  for (let at = 0; at < json.length; ) {
    const byte = json[at];
    if (byte === quote) {
      const end = skipString(json, at);
      if (isKey && depth === 1 && matches(json, at, end, metadataKey)) {
        const value = skipColon(json, end);
        found = json[value] === openBrace ? value + 1 : undefined;
      }
      isKey = false;
      at = end;
      continue;
    }
    if (byte === openBrace || byte === openBracket) depth += 1;
    else if (byte === closeBrace || byte === closeBracket) depth -= 1;
    if (byte === openBrace || byte === comma) isKey = true;
    at += 1;
  }
  return found;
}

/** Never throws; the same bytes give the same answer everywhere. */
export function readObjectJson(json: Uint8Array): ReadObject {
  const canonical = findMetadataInCanonical(json);
  if (canonical !== undefined) return { outcome: 'object', spliceAt: canonical };
  const parsed = parseJson(json);
  if (!parsed.ok) return { outcome: 'unreadable', reason: `the object is no JSON: ${parsed.error}` };
  const { value } = parsed;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { outcome: 'unreadable', reason: 'the object is no JSON object' };
  const spliceAt = findMetadata(json);
  if (spliceAt === undefined) return { outcome: 'unreadable', reason: 'the object has no metadata' };
  return { outcome: 'object', spliceAt };
}

/** A new array of its own memory: the object's JSON with the resourceVersion first in its metadata. */
export function spliceRevision(json: Uint8Array, spliceAt: number, revision: Revision): Uint8Array {
  let next = spliceAt;
  while (isSpace(json[next])) next += 1;
  const separator = json[next] === closeBrace ? '' : ',';
  const member = Buffer.from(`"resourceVersion":"${formatResourceVersion(revision)}"${separator}`, 'latin1');
  const spliced = new Uint8Array(json.length + member.length);
  spliced.set(json.subarray(0, spliceAt));
  spliced.set(member, spliceAt);
  spliced.set(json.subarray(spliceAt), spliceAt + member.length);
  return spliced;
}
