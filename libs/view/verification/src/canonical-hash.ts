/** One number for an object's content, the same wherever it was read: whatever the order of keys, and without its resourceVersion. */
import { createHash } from 'node:crypto';
import type { JsonObject } from '@periplus/api/meta';
import { encodeJson, parseJson } from '@periplus/api/schema';

/** 32 hexadecimal digits. */
export function canonicalHashOf(object: JsonObject): string {
  const { resourceVersion: _revision, ...metadata } = (object['metadata'] ?? {}) as JsonObject;
  return createHash('sha256')
    .update(encodeJson({ ...object, metadata }))
    .digest('hex')
    .slice(0, 32);
}

/** Undefined for what is no JSON object. */
export function canonicalHash(json: Uint8Array): string | undefined {
  const parsed = parseJson(json);
  if (!parsed.ok) return undefined;
  const { value } = parsed;
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? canonicalHashOf(value as JsonObject) : undefined;
}
