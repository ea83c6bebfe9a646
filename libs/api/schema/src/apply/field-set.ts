/**
 * Sets of fields, as managedFields hold them: a tree of path elements with some of its nodes being members.
 *
 * Elements are kept as FieldsV1 writes them: `f:spec` a field, `k:{"name":"web"}` an item of a keyed list, `v:"x"` an
 * item of a set, `i:0` an index. In JSON a node that is a member and has children has `.` among them:
 * `{"f:labels":{".":{},"f:app":{}}}` holds the map and its key, `{"f:labels":{"f:app":{}}}` the key alone.
 */
import type { Json, JsonObject } from '@periplus/api/meta';
import { encodeJson } from '../json-encoder.js';
import { parseJson } from '../json-parser.js';
import { isJsonObject } from '../json-values.js';

/** One node's members and subtrees; a child that holds nothing is never kept. */
export interface FieldSet {
  readonly members: ReadonlySet<string>;
  readonly children: ReadonlyMap<string, FieldSet>;
}

export type FieldPath = readonly string[];

export const emptyFieldSet: FieldSet = { members: new Set(), children: new Map() };

export const fieldElement = (name: string): string => `f:${name}`;
/** Of an item of a keyed list; `keys` in any order. */
export const keyElement = (keys: JsonObject): string => `k:${encodeJson(keys)}`;
export const valueElement = (value: Json): string => `v:${encodeJson(value)}`;

interface MutableFieldSet {
  members: Set<string>;
  children: Map<string, MutableFieldSet>;
}

export interface FieldSetBuilder {
  /** The empty path, the whole object, is nobody's. The path isn't kept. */
  insert(path: FieldPath): void;
  build(): FieldSet;
}

export function createFieldSetBuilder(): FieldSetBuilder {
  const root: MutableFieldSet = { members: new Set(), children: new Map() };
  return {
    insert(path) {
      if (path.length === 0) return;
      let node = root;
      for (let at = 0; at < path.length - 1; at += 1) {
        const element = path[at]!;
        let child = node.children.get(element);
        if (child === undefined) {
          child = { members: new Set(), children: new Map() };
          node.children.set(element, child);
        }
        node = child;
      }
      node.members.add(path.at(-1)!);
    },
    build: () => root,
  };
}

export function fieldSetOf(...paths: readonly FieldPath[]): FieldSet {
  const builder = createFieldSetBuilder();
  for (const path of paths) builder.insert(path);
  return builder.build();
}

export function isEmptyFieldSet({ members, children }: FieldSet): boolean {
  return members.size === 0 && children.size === 0;
}

function withoutEmpty(children: Map<string, FieldSet>, element: string, set: FieldSet): void {
  if (!isEmptyFieldSet(set)) children.set(element, set);
}

export function unionFieldSets(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptyFieldSet(a)) return b;
  if (isEmptyFieldSet(b)) return a;
  const children = new Map(a.children);
  for (const [element, set] of b.children) {
    const known = children.get(element);
    children.set(element, known === undefined ? set : unionFieldSets(known, set));
  }
  return { members: new Set([...a.members, ...b.members]), children };
}

export function intersectFieldSets(a: FieldSet, b: FieldSet): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [element, set] of a.children) {
    const other = b.children.get(element);
    if (other !== undefined) withoutEmpty(children, element, intersectFieldSets(set, other));
  }
  return { members: new Set([...a.members].filter((member) => b.members.has(member))), children };
}

/** Member by member: taking a parent away leaves its children. */
export function subtractFieldSets(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptyFieldSet(b)) return a;
  const children = new Map<string, FieldSet>();
  for (const [element, set] of a.children) {
    const other = b.children.get(element);
    withoutEmpty(children, element, other === undefined ? set : subtractFieldSets(set, other));
  }
  return { members: new Set([...a.members].filter((member) => !b.members.has(member))), children };
}

/** Taking a parent away takes its children along. */
export function excludeFieldSet(a: FieldSet, excluded: FieldSet): FieldSet {
  if (isEmptyFieldSet(excluded)) return a;
  const children = new Map<string, FieldSet>();
  for (const [element, set] of a.children) {
    if (excluded.members.has(element)) continue;
    const other = excluded.children.get(element);
    withoutEmpty(children, element, other === undefined ? set : excludeFieldSet(set, other));
  }
  return { members: new Set([...a.members].filter((member) => !excluded.members.has(member))), children };
}

/** Fields, then keyed items, then values, then indexes; each by its text. */
const elementOrder = 'fkvi';

function compareElements(a: string, b: string): number {
  const byKind = elementOrder.indexOf(a[0]!) - elementOrder.indexOf(b[0]!);
  return byKind !== 0 ? byKind : a < b ? -1 : a > b ? 1 : 0;
}

/** Members before what is below them, in upstream's order. */
export function fieldPaths(set: FieldSet, prefix: FieldPath = []): FieldPath[] {
  const members = [...set.members].sort(compareElements).map((element) => [...prefix, element]);
  const below = [...set.children.keys()]
    .sort(compareElements)
    .flatMap((element) => fieldPaths(set.children.get(element)!, [...prefix, element]));
  return [...members, ...below];
}

export function hasFieldPath(set: FieldSet, path: FieldPath): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path.slice(0, -1)) node = node?.children.get(element);
  return node?.members.has(path.at(-1) ?? '') ?? false;
}

/** As conflicts are shown: `.spec.containers[name="web"].image`. */
export function formatFieldPath(path: FieldPath): string {
  return path
    .map((element) => {
      const rest = element.slice(2);
      if (element.startsWith('f:')) return `.${rest}`;
      if (element.startsWith('i:')) return `[${rest}]`;
      if (element.startsWith('v:')) return `[=${rest}]`;
      const parsed = parseJson(rest);
      if (!parsed.ok || !isJsonObject(parsed.value)) return `[${rest}]`;
      const keys = parsed.value;
      return `[${Object.keys(keys)
        .map((name) => `${name}=${encodeJson(keys[name])}`)
        .join(',')}]`;
    })
    .join('');
}

/** As FieldsV1. */
export function encodeFieldSet(set: FieldSet): JsonObject {
  const object: JsonObject = {};
  for (const element of set.members) object[element] = {};
  for (const [element, child] of set.children) {
    const below = encodeFieldSet(child);
    if (set.members.has(element)) below['.'] = {};
    object[element] = below;
  }
  return object;
}

const canonicalKey = /^k:\{"[^"\\]*":(?:"[^"\\]*"|[0-9]{1,9})\}$/;

/** Undefined for an element of no known form. Other writers may have spaced or ordered keys otherwise. */
function canonicalElement(element: string): string | undefined {
  if (element.startsWith('f:') || canonicalKey.test(element)) return element;
  if (!/^[kvi]:/.test(element)) return undefined;
  const parsed = parseJson(element.slice(2));
  return parsed.ok ? element.slice(0, 2) + encodeJson(parsed.value) : undefined;
}

/** Undefined for what is no FieldsV1. */
export function decodeFieldSet(fields: Json | undefined): FieldSet | undefined {
  if (!isJsonObject(fields)) return undefined;
  const members = new Set<string>();
  const children = new Map<string, FieldSet>();
  for (const key of Object.keys(fields)) {
    // A node's own membership is read by its parent.
    if (key === '.') continue;
    const below = fields[key];
    const element = canonicalElement(key);
    if (element === undefined || !isJsonObject(below)) return undefined;
    const child = decodeFieldSet(below);
    if (child === undefined) return undefined;
    if (Object.hasOwn(below, '.') || Object.keys(below).length === 0) members.add(element);
    withoutEmpty(children, element, child);
  }
  return { members, children };
}
