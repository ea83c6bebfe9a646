/**
 * Strategic merge patch: like a merge patch, but lists that the tables give a merge key are merged item by item, and
 * directives in the patch say what can't be said by example.
 *
 * `{"$patch":"delete"}` empties, `"replace"` takes the patch as it stands; in an item of a merge list they delete the
 * item or replace the list. `$retainKeys` lists the keys that stay, `$deleteFromPrimitiveList/x` what leaves the list x,
 * `$setElementOrder/x` how x is ordered; items that the order doesn't know keep their places relative to the others.
 */
import { badRequest, type Json, type StatusError } from '@periplus/api/meta';
import type { FieldSchema, FieldType, KindSchema, SchemaTable } from '@periplus/api/kinds';
import { encodeJson } from '../json-encoder.js';
import { cloneJson, isJsonObject } from '../json-values.js';
import { messagePlan, setOwn } from '../message-plan.js';
import { patchNotApplicable } from './json-patch.js';
import { indexItems, itemKey, orderMergedList } from './list-order.js';

const directiveKey = '$patch';
const retainKeysKey = '$retainKeys';
const deletePrefix = '$deleteFromPrimitiveList/';
const orderPrefix = '$setElementOrder/';

type JsonMap = Record<string, Json | undefined>;

/** What the tables know of a map's fields: those of a message, values of one type, or nothing. */
type Shape = {
  readonly field: (name: string) => FieldSchema | undefined;
  readonly type: (name: string) => FieldType | undefined;
};

const unknownShape: Shape = { field: () => undefined, type: () => undefined };

function shapeOf(table: SchemaTable, type: FieldType | undefined): Shape {
  if (type?.kind === 'message') {
    const plan = messagePlan(table, type.message);
    if (plan.schema.json !== 'object') return unknownShape;
    return { field: (name) => plan.byName.get(name), type: (name) => plan.byName.get(name)?.type };
  }
  if (type?.kind === 'map') return { field: () => undefined, type: () => type.of };
  return unknownShape;
}

const badFormat = (what: string): StatusError => badRequest(`invalid strategic merge patch: ${what}`);

const own = (map: JsonMap, key: string): Json | undefined => (Object.hasOwn(map, key) ? map[key] : undefined);

const isDirective = (key: string): boolean =>
  key === directiveKey || key === retainKeysKey || key.startsWith(deletePrefix) || key.startsWith(orderPrefix);

/** A part of a patch that meets nothing to merge with: without directives and nulls; undefined when it deletes. */
function asNew(patch: Json): Json | undefined {
  if (Array.isArray(patch)) {
    return patch.map((item) => asNew(item as Json)).filter((item): item is Json => item !== undefined);
  }
  if (!isJsonObject(patch)) return patch;
  if (own(patch, directiveKey) === 'delete') return undefined;
  const result: JsonMap = {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (isDirective(key) || value === null || value === undefined) continue;
    const kept = asNew(value);
    if (kept !== undefined) setOwn(result, key, kept);
  }
  return result;
}

const mergesList = (field: FieldSchema | undefined): boolean => field?.patch?.strategies.includes('merge') ?? false;
const replaces = (field: FieldSchema | undefined): boolean => field?.patch?.strategies.includes('replace') ?? false;

class StrategicMerge {
  constructor(private readonly table: SchemaTable) {}

  /** Changes `original` in place and answers it, or what stands in its place. */
  map(original: JsonMap, patch: JsonMap, shape: Shape): JsonMap {
    const directive = own(patch, directiveKey);
    if (directive === 'replace') return (asNew(withoutKey(patch, directiveKey)) ?? {}) as JsonMap;
    if (directive === 'delete') return {};
    if (directive !== undefined) throw patchNotApplicable(`unknown patch type ${JSON.stringify(directive)}`);
    this.retainKeys(original, patch);
    const ordered = this.orderedLists(original, patch, shape);
    for (const key of Object.keys(patch)) {
      const value = patch[key];
      if (value === undefined || key === retainKeysKey || key.startsWith(orderPrefix) || ordered.has(key)) continue;
      if (key.startsWith(deletePrefix)) this.deleteFromList(original, key.slice(deletePrefix.length), value);
      else this.field(original, key, value, shape);
    }
    return original;
  }

  private field(original: JsonMap, key: string, value: Json, shape: Shape): void {
    if (value === null) {
      delete original[key];
      return;
    }
    const before = own(original, key);
    const field = shape.field(key);
    if (isJsonObject(before) && isJsonObject(value) && !replaces(field)) {
      setOwn(original, key, this.map(before, value, shapeOf(this.table, shape.type(key))));
    } else if (Array.isArray(before) && Array.isArray(value) && mergesList(field)) {
      setOwn(original, key, this.list(before as Json[], value as Json[], field!));
    } else {
      const fresh = asNew(value);
      if (fresh === undefined) delete original[key];
      else setOwn(original, key, fresh);
    }
  }

  private retainKeys(original: JsonMap, patch: JsonMap): void {
    const keys = own(patch, retainKeysKey);
    if (keys === undefined) return;
    if (!Array.isArray(keys)) throw badFormat(`${retainKeysKey} must be a list`);
    const retained = new Set<unknown>(keys);
    for (const key of Object.keys(patch)) {
      if (patch[key] !== null && !isDirective(key) && !retained.has(key)) {
        throw badFormat(`${retainKeysKey} lacks ${JSON.stringify(key)}, which the patch sets`);
      }
    }
    for (const key of Object.keys(original)) if (!retained.has(key)) delete original[key];
  }

  private deleteFromList(original: JsonMap, key: string, value: Json): void {
    if (!Array.isArray(value)) throw badFormat(`${deletePrefix}${key} must be a list`);
    const before = own(original, key);
    if (!Array.isArray(before)) return;
    setOwn(original, key, without(before as Json[], value as Json[]));
  }

  /** Lists that the patch orders; answers their names, which are then done. */
  private orderedLists(original: JsonMap, patch: JsonMap, shape: Shape): ReadonlySet<string> {
    const done = new Set<string>();
    for (const key of Object.keys(patch)) {
      if (!key.startsWith(orderPrefix)) continue;
      const name = key.slice(orderPrefix.length);
      const order = patch[key];
      if (!Array.isArray(order)) throw badFormat(`${key} must be a list`);
      const field = shape.field(name);
      const mergeKey = field?.patch?.mergeKey ?? '';
      const before = own(original, name);
      const given = own(patch, name);
      const removed = own(patch, `${deletePrefix}${name}`);
      if (given !== undefined && given !== null && !Array.isArray(given)) throw badFormat(`${name} must be a list`);
      if (given === null) continue;
      done.add(name);
      if (given !== undefined) checkOrder(given as Json[], order as Json[], mergeKey, name);
      const live = Array.isArray(before) ? (before as Json[]) : [];
      let list = cloneJson(live);
      if (given !== undefined)
        list = field === undefined ? (asNew(given) as Json[]) : this.list(list, given as Json[], field);
      if (Array.isArray(removed)) list = without(list, removed as Json[]);
      if (given === undefined && before === undefined) continue;
      setOwn(original, name, orderMergedList(list, order as Json[], live, mergeKey));
    }
    return done;
  }

  private list(original: readonly Json[], patch: readonly Json[], field: FieldSchema): Json[] {
    const mergeKey = field.patch?.mergeKey ?? '';
    const ofMaps = [...original, ...patch].some(isJsonObject);
    if (!ofMaps) {
      const both = new Map([...original, ...patch].map((item) => [itemKey(item, ''), item]));
      return orderMergedList([...both.values()], patch, original, '');
    }
    if (mergeKey === '') throw patchNotApplicable(`cannot merge lists without merge key for ${field.json}`);
    return this.mapList(original, patch, field, mergeKey);
  }

  private mapList(original: readonly Json[], patch: readonly Json[], field: FieldSchema, mergeKey: string): Json[] {
    const element = field.type.kind === 'list' ? field.type.of : undefined;
    const gone = new Set<string>();
    const plain: JsonMap[] = [];
    let replace = false;
    for (const item of patch) {
      if (!isJsonObject(item)) throw patchNotApplicable(`list ${field.json} has an item that is no object`);
      const directive = own(item, directiveKey);
      if (directive === undefined) plain.push(item);
      else if (directive === 'replace') replace = true;
      else if (directive === 'delete') {
        gone.add(keyOf(item, mergeKey));
      } else throw patchNotApplicable(`unknown patch type ${JSON.stringify(directive)} in list ${field.json}`);
    }
    if (replace) return asNew(plain) as Json[];
    const shape = shapeOf(this.table, element);
    const list = original.filter((item) => !gone.has(itemKey(item, mergeKey)));
    const places = indexItems(list, mergeKey);
    for (const item of plain) {
      const key = keyOf(item, mergeKey);
      const at = places.get(key);
      if (at !== undefined) list[at] = this.map(list[at] as JsonMap, item, shape);
      else {
        places.set(key, list.length);
        list.push(asNew(item)!);
      }
    }
    return orderMergedList(list, plain, original, mergeKey);
  }
}

function keyOf(item: JsonMap, mergeKey: string): string {
  if (own(item, mergeKey) === undefined) {
    throw patchNotApplicable(`map: ${encodeJson(item)} does not contain declared merge key: ${mergeKey}`);
  }
  return itemKey(item, mergeKey);
}

function without(list: readonly Json[], removed: readonly Json[]): Json[] {
  const gone = new Set(removed.map((item) => itemKey(item, '')));
  return list.filter((item) => !gone.has(itemKey(item, '')));
}

function withoutKey(map: JsonMap, key: string): JsonMap {
  const { [key]: _gone, ...rest } = map;
  return rest;
}

/** Items of the patch must stand in the order that the patch itself asks for. */
function checkOrder(patch: readonly Json[], order: readonly Json[], mergeKey: string, name: string): void {
  const places = indexItems(order, mergeKey);
  let last = -1;
  for (const item of patch) {
    if (isJsonObject(item) && own(item, directiveKey) !== undefined) continue;
    const at = places.get(itemKey(item, mergeKey)) ?? -1;
    if (at <= last) throw badFormat(`the order in the patch list of ${name} doesn't match ${orderPrefix}${name}`);
    last = at;
  }
}

/**
 * The patched copy of an object of the kind. Throws StatusError: 400 for a malformed patch, 422 for one that can't be
 * applied. Only built-in kinds have the tables for it.
 */
export function applyStrategicMergePatch(table: SchemaTable, kind: KindSchema, original: Json, patch: Json): Json {
  if (!isJsonObject(patch)) throw badRequest('strategic merge patch must be a JSON object');
  const copy = cloneJson(original);
  const shape = shapeOf(table, { kind: 'message', message: kind.message });
  return new StrategicMerge(table).map(isJsonObject(copy) ? copy : {}, cloneJson(patch), shape);
}
