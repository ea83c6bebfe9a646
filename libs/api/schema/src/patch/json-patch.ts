/** JSON patch (RFC 6902), all operations or none, with limits on what a small patch can make of an object. */
import { badRequest, type Json, type JsonObject, StatusError, tooLarge } from '@periplus/api/meta';
import { encodeJson } from '../json-encoder.js';
import { defaultJsonLimits } from '../json-parser.js';
import { cloneJson, equalJson, isDeeperThan, isJsonObject } from '../json-values.js';
import { setOwn } from '../message-plan.js';

const operationsMax = 10_000;
/** Copies may add up to this much: a patch that doubles an object again and again ends here. */
const copiedCharactersMax = 3 * 1024 * 1024;
const pathLengthMax = 8_192;

class PatchFailure extends Error {
  readonly code = 'JSON_PATCH_FAILED';
}

const fail = (message: string): never => {
  throw new PatchFailure(message);
};

type Container = JsonObject | Json[];

function pointerTokens(pointer: string): string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/') || pointer.length > pathLengthMax) fail(`invalid path ${JSON.stringify(pointer)}`);
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replace(/~1/g, '/').replace(/~0/g, '~'));
}

/** `undefined` where nothing is. */
function child(parent: Json | undefined, token: string): Json | undefined {
  if (Array.isArray(parent)) return /^(?:0|[1-9][0-9]{0,8})$/.test(token) ? (parent[Number(token)] as Json) : undefined;
  return isJsonObject(parent) && Object.hasOwn(parent, token) ? parent[token] : undefined;
}

/** Holds the document, so that the root can be replaced like any other value. */
interface Holder {
  root: Json | undefined;
}

function containerOf(holder: Holder, tokens: readonly string[], pointer: string): Container {
  let parent = holder.root;
  for (const token of tokens.slice(0, -1)) parent = child(parent, token);
  if (Array.isArray(parent) || isJsonObject(parent)) return parent as Container;
  return fail(`doc is missing path: ${pointer}`);
}

function arrayIndex(array: readonly Json[], token: string, pointer: string, last: number): number {
  const index = /^(?:0|[1-9][0-9]{0,8})$/.test(token) ? Number(token) : -1;
  if (index < 0 || index > last) fail(`index out of range or invalid: ${pointer} (${array.length} items)`);
  return index;
}

function getAt(holder: Holder, pointer: string): Json | undefined {
  let value = holder.root;
  for (const token of pointerTokens(pointer)) value = child(value, token);
  return value;
}

function addAt(holder: Holder, pointer: string, value: Json): void {
  const tokens = pointerTokens(pointer);
  if (tokens.length === 0) {
    holder.root = value;
    return;
  }
  const container = containerOf(holder, tokens, pointer);
  const token = tokens.at(-1)!;
  if (!Array.isArray(container)) setOwn(container, token, value);
  else if (token === '-') container.push(value);
  else container.splice(arrayIndex(container, token, pointer, container.length), 0, value);
}

function removeAt(holder: Holder, pointer: string): Json {
  const value = getAt(holder, pointer);
  if (value === undefined) return fail(`unable to remove nonexistent key: ${pointer}`);
  const tokens = pointerTokens(pointer);
  if (tokens.length === 0) return fail('the whole document may not be removed');
  const container = containerOf(holder, tokens, pointer);
  const token = tokens.at(-1)!;
  if (Array.isArray(container)) container.splice(Number(token), 1);
  else delete container[token];
  return value;
}

function replaceAt(holder: Holder, pointer: string, value: Json): void {
  if (getAt(holder, pointer) === undefined) fail(`replace operation does not apply: doc is missing key: ${pointer}`);
  const tokens = pointerTokens(pointer);
  if (tokens.length === 0) {
    holder.root = value;
    return;
  }
  const container = containerOf(holder, tokens, pointer);
  if (Array.isArray(container)) container[Number(tokens.at(-1))] = value;
  else setOwn(container, tokens.at(-1)!, value);
}

function testAt(holder: Holder, pointer: string, expected: Json): void {
  // Nulls aren't kept in objects: what is absent equals null.
  const actual = getAt(holder, pointer) ?? null;
  if (!equalJson(actual, expected)) fail(`testing value ${pointer} failed`);
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from: string | undefined;
  readonly value: Json | undefined;
}

function readOperation(raw: Json): Operation {
  if (!isJsonObject(raw)) throw badRequest('json: cannot unmarshal patch operation: it must be an object');
  const text = (name: string): string | undefined => {
    const value = Object.hasOwn(raw, name) ? raw[name] : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  const op = text('op');
  const path = text('path');
  if (op === undefined || path === undefined) throw badRequest('patch operation lacks "op" or "path"');
  return { op, path, from: text('from'), value: Object.hasOwn(raw, 'value') ? raw.value : undefined };
}

const needed = <T>(value: T | undefined, name: string, { op }: Operation): T =>
  value === undefined ? fail(`${op} operation lacks ${JSON.stringify(name)}`) : value;

/** Answers how many characters the operation copied. */
function perform(holder: Holder, operation: Operation): number {
  const { op, path } = operation;
  switch (op) {
    case 'add':
      addAt(holder, path, cloneJson(needed(operation.value, 'value', operation)));
      return 0;
    case 'remove':
      removeAt(holder, path);
      return 0;
    case 'replace':
      replaceAt(holder, path, cloneJson(needed(operation.value, 'value', operation)));
      return 0;
    case 'move': {
      const from = needed(operation.from, 'from', operation);
      if (path.startsWith(`${from}/`)) fail(`unable to move ${from} into itself`);
      addAt(holder, path, removeAt(holder, from));
      return 0;
    }
    case 'copy': {
      const from = needed(operation.from, 'from', operation);
      const value = getAt(holder, from);
      if (value === undefined) return fail(`copy operation does not apply: doc is missing from path: ${from}`);
      addAt(holder, path, cloneJson(value));
      return encodeJson(value).length;
    }
    case 'test':
      testAt(holder, path, needed(operation.value, 'value', operation));
      return 0;
    default:
      return fail(`unexpected kind: ${op}`);
  }
}

/** The 422 of a patch that is well formed and can't be applied to this object. */
export function patchNotApplicable(detail: string, field = ''): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'the server rejected our request due to an error in our request',
    reason: 'Invalid',
    details: { causes: [{ reason: 'UnexpectedServerResponse', message: detail, ...(field === '' ? {} : { field }) }] },
    code: 422,
  });
}

/**
 * The patched copy; `original` stays as it was. Throws StatusError: 400 for what is no JSON patch, 413 for one that is
 * too large or grows the object too much, 422 for one that doesn't apply.
 */
export function applyJsonPatch(original: Json, patch: Json): Json {
  if (!Array.isArray(patch)) throw badRequest('json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  if (patch.length > operationsMax) {
    throw tooLarge(`The allowed maximum operations in a JSON patch is ${operationsMax}, got ${patch.length}`);
  }
  const operations = patch.map((raw) => readOperation(raw as Json));
  const holder: Holder = { root: cloneJson(original) };
  let copied = 0;
  for (const operation of operations) {
    try {
      copied += perform(holder, operation);
    } catch (error) {
      if (error instanceof PatchFailure) throw patchNotApplicable(error.message, operation.path);
      throw error;
    }
    if (copied > copiedCharactersMax) {
      throw tooLarge(`Unable to complete the "copy" operation, the accumulated size increase exceeds the limit`);
    }
  }
  const patched = holder.root ?? null;
  if (isDeeperThan(patched, defaultJsonLimits.depthMax)) throw patchNotApplicable('exceeded max depth');
  return patched;
}
