/** Which fields differ between two objects of a kind: what was added, modified and removed, as managedFields see it. */
import type { Json } from '@periplus/api/meta';
import { equalJson, isJsonObject } from '../json-values.js';
import { type ApplyShape, itemElement, shapeBelow } from './apply-shape.js';
import {
  createFieldSetBuilder,
  excludeFieldSet,
  type FieldSet,
  type FieldSetBuilder,
  fieldElement,
  isEmptyFieldSet,
} from './field-set.js';

export interface FieldComparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

export function isEmptyComparison({ added, modified, removed }: FieldComparison): boolean {
  return isEmptyFieldSet(added) && isEmptyFieldSet(modified) && isEmptyFieldSet(removed);
}

/** Without the fields that a request can't change. */
export function excludeFromComparison(comparison: FieldComparison, excluded: FieldSet): FieldComparison {
  return {
    added: excludeFieldSet(comparison.added, excluded),
    modified: excludeFieldSet(comparison.modified, excluded),
    removed: excludeFieldSet(comparison.removed, excluded),
  };
}

interface Builders {
  readonly added: FieldSetBuilder;
  readonly modified: FieldSetBuilder;
  readonly removed: FieldSetBuilder;
}

/** Undefined means absent; null is there and empty. */
type Side = Json | undefined;

function compareLeaf(before: Side, after: Side, path: readonly string[], out: Builders): void {
  if (before === undefined) out.added.insert(path);
  else if (after === undefined) out.removed.insert(path);
  else if (!equalJson(before, after)) out.modified.insert(path);
}

const isEmpty = (side: Side): boolean => {
  if (Array.isArray(side)) return side.length === 0;
  return !isJsonObject(side) || Object.keys(side).length === 0;
};

const isContainer = (side: Side): boolean => side === undefined || side === null || typeof side === 'object';

function compareValues(shape: ApplyShape, before: Side, after: Side, path: string[], out: Builders): void {
  if (before === after) return;
  const opaque = shape.kind === 'leaf' || !isContainer(before) || !isContainer(after);
  // What is empty on both sides is a leaf, so that empty, null and absent are told apart.
  if (opaque || (isEmpty(before) && isEmpty(after))) {
    compareLeaf(before, after, path, out);
    return;
  }
  if (shape.kind === 'struct' || shape.kind === 'map') compareMaps(shape, before, after, path, out);
  else compareLists(shape, before, after, path, out);
  if (before === undefined) out.added.insert(path);
  else if (after === undefined) out.removed.insert(path);
}

function ownValue(side: Side, name: string): Side {
  return isJsonObject(side) && Object.hasOwn(side, name) ? side[name] : undefined;
}

function compareMaps(shape: ApplyShape, before: Side, after: Side, path: string[], out: Builders): void {
  const compareField = (name: string, left: Side, right: Side): void => {
    if (left === right) return;
    path.push(fieldElement(name));
    compareValues(shapeBelow(shape, name), left, right, path, out);
    path.pop();
  };
  const orNull = (side: Side, name: string): Side => {
    const value = ownValue(side, name);
    if (value !== undefined || !isJsonObject(side) || shape.kind !== 'struct') return value;
    return shape.field(name)?.nullWhenAbsent ? null : undefined;
  };
  const rights = isJsonObject(after) ? Object.keys(after) : [];
  for (const name of rights) compareField(name, orNull(before, name), orNull(after, name));
  for (const name of isJsonObject(before) ? Object.keys(before) : []) {
    if (ownValue(after, name) === undefined) compareField(name, orNull(before, name), orNull(after, name));
  }
  if (shape.kind !== 'struct' || isJsonObject(before) === isJsonObject(after)) return;
  // Null on one side, and on the other there is no object that could have a null.
  for (const name of shape.nullFields()) {
    if (ownValue(before, name) === undefined && ownValue(after, name) === undefined) {
      compareField(name, orNull(before, name), orNull(after, name));
    }
  }
}

type ListShape = ApplyShape & { kind: 'set' | 'keyed' };

/** Items by their element; two of one element make a list. */
function itemsByElement(shape: ListShape, side: Side): Map<string, Json[]> {
  const items = new Map<string, Json[]>();
  for (const item of Array.isArray(side) ? (side as Json[]) : []) {
    const element = itemElement(shape, item);
    const known = items.get(element);
    if (known === undefined) items.set(element, [item]);
    else known.push(item);
  }
  return items;
}

function compareLists(shape: ListShape, before: Side, after: Side, path: string[], out: Builders): void {
  const [lefts, rights] = [itemsByElement(shape, before), itemsByElement(shape, after)];
  const elementShape: ApplyShape = shape.kind === 'keyed' ? shape.element : { kind: 'leaf' };
  for (const element of new Set([...lefts.keys(), ...rights.keys()])) {
    const [left, right] = [lefts.get(element) ?? [], rights.get(element) ?? []];
    path.push(element);
    if (left.length <= 1 && right.length <= 1) compareValues(elementShape, left[0], right[0], path, out);
    else if (left.length > 1 && right.length > 1) compareLeaf(left, right, path, out);
    else if (left.length > 1) {
      if (right.length > 0) compareValues(elementShape, undefined, right[0], path, out);
      out.removed.insert(path);
    } else {
      if (left.length > 0) compareValues(elementShape, left[0], undefined, path, out);
      out.added.insert(path);
    }
    path.pop();
  }
}

export function compareFields(shape: ApplyShape, before: Json, after: Json): FieldComparison {
  const out: Builders = {
    added: createFieldSetBuilder(),
    modified: createFieldSetBuilder(),
    removed: createFieldSetBuilder(),
  };
  compareValues(shape, before, after, [], out);
  return { added: out.added.build(), modified: out.modified.build(), removed: out.removed.build() };
}
