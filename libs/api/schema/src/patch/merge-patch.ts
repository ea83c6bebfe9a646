/** JSON merge patch (RFC 7386): null deletes, objects merge, all else replaces. */
import { badRequest, type Json } from '@periplus/api/meta';
import { cloneJson, isJsonObject } from '../json-values.js';
import { setOwn } from '../message-plan.js';

function merged(original: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return cloneJson(patch);
  const result = isJsonObject(original) ? shallowCopy(original) : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) delete result[key];
    else if (value !== undefined) {
      setOwn(result, key, merged(Object.hasOwn(result, key) ? result[key] : undefined, value));
    }
  }
  return result;
}

function shallowCopy(object: Record<string, Json | undefined>): Record<string, Json | undefined> {
  const copy: Record<string, Json | undefined> = {};
  for (const key of Object.keys(object)) setOwn(copy, key, object[key]);
  return copy;
}

/** The patched copy, which may share parts with the original that the patch leaves alone. Throws 400 for what is no object. */
export function applyMergePatch(original: Json, patch: Json): Json {
  if (!isJsonObject(patch)) throw badRequest('Invalid JSON Patch');
  return merged(original, patch);
}
