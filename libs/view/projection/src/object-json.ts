/** Reads a stored object's JSON: is it one, what is in it, and where its resourceVersion goes. */
import { formatResourceVersion, type JsonObject, type Revision } from '@periplus/api/meta';

/** What is nested deeper was never accepted by the API. */
export const objectDepthMax = 1_000;

export type ReadObject =
  /** `spliceAt`: the offset just behind the `{` of the metadata. */
  | { readonly outcome: 'object'; readonly value: JsonObject; readonly spliceAt: number }
  | { readonly outcome: 'unreadable'; readonly reason: string };

const utf8 = new TextDecoder('utf-8', { fatal: true });
const [quote, backslash, openBrace, closeBrace, openBracket, closeBracket] = Buffer.from('"\\{}[]');
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

/** In well-formed JSON: the depth, and where the top object's `metadata` object opens. */
function findMetadata(json: Uint8Array): { depth: number; spliceAt: number | undefined } {
  let depth = 0;
  let deepest = 0;
  let spliceAt: number | undefined;
  let isKey = false;
  for (let at = 0; at < json.length; ) {
    const byte = json[at];
    if (byte === quote) {
      const end = skipString(json, at);
      if (isKey && depth === 1 && matches(json, at, end, metadataKey)) {
        const value = skipColon(json, end);
        spliceAt = json[value] === openBrace ? value + 1 : undefined;
      }
      isKey = false;
      at = end;
      continue;
    }
    if (byte === openBrace || byte === openBracket) deepest = Math.max(deepest, ++depth);
    else if (byte === closeBrace || byte === closeBracket) depth -= 1;
    if (byte === openBrace || byte === 0x2c) isKey = true;
    at += 1;
  }
  return { depth: deepest, spliceAt };
}

/** Never throws; the same bytes give the same answer everywhere. */
export function readObjectJson(json: Uint8Array): ReadObject {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(json));
  } catch (error) {
    return { outcome: 'unreadable', reason: `the object is no JSON: ${(error as Error).name}` };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { outcome: 'unreadable', reason: 'the object is no JSON object' };
  const { depth, spliceAt } = findMetadata(json);
  if (depth > objectDepthMax) return { outcome: 'unreadable', reason: `the object is nested ${depth} deep` };
  if (spliceAt === undefined) return { outcome: 'unreadable', reason: 'the object has no metadata' };
  return { outcome: 'object', value: value as JsonObject, spliceAt };
}

/** A new array of its own memory: the object's JSON with the resourceVersion first in its metadata. */
export function spliceRevision(json: Uint8Array, spliceAt: number, revision: Revision): Uint8Array {
  let next = spliceAt;
  while (isSpace(json[next])) next += 1;
  const comma = json[next] === closeBrace ? '' : ',';
  const member = Buffer.from(`"resourceVersion":"${formatResourceVersion(revision)}"${comma}`, 'latin1');
  const spliced = new Uint8Array(json.length + member.length);
  spliced.set(json.subarray(0, spliceAt));
  spliced.set(member, spliceAt);
  spliced.set(json.subarray(spliceAt), spliceAt + member.length);
  return spliced;
}
