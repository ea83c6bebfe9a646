/** Objects as the JSON bytes that travel: 64-bit integers stay exact. */
import type { Json } from '@periplus/api/meta';
import { encodeJson, parseJson } from '@periplus/api/schema';
import { CallError } from './failure.js';

/** Plain data: what the generated kinds describe, or a patch. */
export function encodeObject(value: unknown): Uint8Array {
  return Buffer.from(encodeJson(value as Json));
}

/** Throws a CallError when a server sends what isn't JSON. The shape is the server's promise. */
export function decodeObject<T>(bytes: Uint8Array): T {
  const parsed = parseJson(bytes);
  if (!parsed.ok) throw new CallError('PROTOCOL', `the server sent malformed JSON: ${parsed.error}`);
  return parsed.value as unknown as T;
}
