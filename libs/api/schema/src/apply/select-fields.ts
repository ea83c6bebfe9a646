/** Between values and sets of their fields: which fields a value has, and a value without some of them. */
import type { Json } from '@periplus/api/meta';
import { isJsonObject } from '../json-values.js';
import { setOwn } from '../message-plan.js';
import { type ApplyShape, itemElement, leafShape, missingKey, shapeBelow } from './apply-shape.js';
import {
  createFieldSetBuilder,
  type FieldPath,
  type FieldSet,
  type FieldSetBuilder,
  fieldElement,
  formatFieldPath,
} from './field-set.js';

function collect(shape: ApplyShape, value: Json, path: FieldPath, out: FieldSetBuilder): void {
  if (shape.kind === 'leaf') {
    out.insert(path);
  } else if (shape.kind === 'set' || shape.kind === 'keyed') {
    const seen = new Set<string>();
    for (const item of Array.isArray(value) ? (value as Json[]) : []) {
      const element = itemElement(shape, item);
      if (!seen.has(element))
        collect(shape.kind === 'keyed' ? shape.element : leafShape, item, [...path, element], out);
      seen.add(element);
      out.insert([...path, element]);
    }
  } else if (isJsonObject(value)) {
    for (const name of Object.keys(value)) {
      const below = value[name];
      if (below === undefined) continue;
      const at = [...path, fieldElement(name)];
      collect(shapeBelow(shape, name), below, at, out);
      // Keys of maps are owned themselves; fields only when nothing below them can be.
      const hollow = below === null || (isJsonObject(below) && Object.keys(below).length === 0);
      if (hollow || shape.kind === 'map') out.insert(at);
    }
  }
}

/** Every field that the value mentions. */
export function fieldsOf(shape: ApplyShape, value: Json): FieldSet {
  const out = createFieldSetBuilder();
  collect(shape, value, [], out);
  return out.build();
}

/** The value without the members of the set; null where nothing is left. */
export function removeFields(shape: ApplyShape, value: Json, set: FieldSet): Json {
  if (shape.kind === 'leaf') return Array.isArray(value) || isJsonObject(value) ? null : value;
  if (shape.kind === 'set' || shape.kind === 'keyed') {
    const element = shape.kind === 'keyed' ? shape.element : leafShape;
    const kept: Json[] = [];
    for (const item of Array.isArray(value) ? (value as Json[]) : []) {
      const name = itemElement(shape, item);
      if (set.members.has(name)) continue;
      const below = set.children.get(name);
      kept.push(below === undefined ? item : removeFields(element, item, below));
    }
    return kept.length > 0 ? kept : null;
  }
  if (!isJsonObject(value)) return value;
  const kept = {};
  for (const name of Object.keys(value)) {
    const item = value[name];
    if (item === undefined || set.members.has(fieldElement(name))) continue;
    const below = set.children.get(fieldElement(name));
    setOwn(kept, name, below === undefined ? item : removeFields(shapeBelow(shape, name), item, below));
  }
  return Object.keys(kept).length > 0 ? kept : null;
}

/** With the messages' fields that lead to members being members too; keys of maps and items of lists are not. */
export function withNamedFields(shape: ApplyShape, set: FieldSet): FieldSet {
  const members = new Set(set.members);
  const children = new Map<string, FieldSet>();
  for (const [element, below] of set.children) {
    const named = element.startsWith('f:') && shape.kind === 'struct' && shape.field(element.slice(2)) !== undefined;
    if (named) members.add(element);
    const inner = element.startsWith('f:')
      ? shapeBelow(shape, element.slice(2))
      : shape.kind === 'keyed'
        ? shape.element
        : leafShape;
    children.set(element, withNamedFields(inner, below));
  }
  return { members, children };
}

/** What makes the items of lists indistinguishable: keys left away, or an item that stands there twice. */
export function itemProblems(shape: ApplyShape, value: Json, path: FieldPath = []): string[] {
  if (shape.kind === 'set' || shape.kind === 'keyed') return listProblems(shape, value, path);
  if (shape.kind === 'leaf' || !isJsonObject(value)) return [];
  return Object.keys(value).flatMap((name) => {
    const below = value[name];
    return below === undefined ? [] : itemProblems(shapeBelow(shape, name), below, [...path, fieldElement(name)]);
  });
}

function listProblems(shape: ApplyShape & { kind: 'set' | 'keyed' }, value: Json, path: FieldPath): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const [at, item] of (Array.isArray(value) ? (value as Json[]) : []).entries()) {
    const missing = shape.kind === 'keyed' ? missingKey(shape, item) : undefined;
    if (missing !== undefined) {
      problems.push(
        `${formatFieldPath(path)}: element ${at}: associative list with keys has an element that omits key field "${missing}" (and doesn't have default value)`,
      );
      continue;
    }
    const element = itemElement(shape, item);
    if (seen.has(element)) {
      problems.push(`${formatFieldPath(path)}: duplicate entries for key ${formatFieldPath([element])}`);
    }
    seen.add(element);
    if (shape.kind === 'keyed') problems.push(...itemProblems(shape.element, item, [...path, element]));
  }
  return problems;
}
