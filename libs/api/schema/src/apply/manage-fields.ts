/** What a change does to the managers of an object: shared by updates, which take what they change, and by apply. */
import { findStorageKind, type KindRules, type KindSchema, type SchemaTable } from '@periplus/api/kinds';
import { formatApiVersion, type Json, type KubeObject } from '@periplus/api/meta';
import { decodeObject } from '../decode-object.js';
import { messagePlan } from '../message-plan.js';
import { type ApplyShape, applyShape } from './apply-shape.js';
import { compareFields, excludeFromComparison, type FieldComparison } from './compare-fields.js';
import {
  type FieldPath,
  type FieldSet,
  fieldElement,
  fieldPaths,
  fieldSetOf,
  intersectFieldSets,
  isEmptyFieldSet,
  subtractFieldSets,
  unionFieldSets,
} from './field-set.js';
import type { Manager, Managers } from './managed-fields.js';
import { createVersionConverter, type VersionConverter } from './version-converter.js';

/** A kind in the version of a request, and through which of its subresources. */
export interface ManagedKind {
  readonly table: SchemaTable;
  readonly kind: KindSchema;
  readonly apiVersion: string;
  /** `''` for the object itself. */
  readonly subresource: string;
  readonly convert: VersionConverter;
  /** What requests of this kind can't change and so don't own. */
  readonly ignored: FieldSet;
}

const ignoredByKind = new WeakMap<KindSchema, Map<string, FieldSet>>();

function cachedIgnoredFields(table: SchemaTable, kind: KindSchema, subresource: string): FieldSet {
  let bySubresource = ignoredByKind.get(kind);
  if (bySubresource === undefined) {
    bySubresource = new Map();
    ignoredByKind.set(kind, bySubresource);
  }
  let ignored = bySubresource.get(subresource);
  if (ignored === undefined) {
    ignored = ignoredFields(table, kind, subresource);
    bySubresource.set(subresource, ignored);
  }
  return ignored;
}

/** The status belongs to its subresource, and all else that isn't metadata to the object itself. */
function ignoredFields(table: SchemaTable, kind: KindSchema, subresource: string): FieldSet {
  const hasStatus = kind.subresources.some(({ name }) => name === 'status');
  if (!hasStatus) return fieldSetOf();
  if (subresource === '') return fieldSetOf([fieldElement('status')]);
  if (subresource !== 'status') return fieldSetOf();
  const owned = new Set(['kind', 'apiVersion', 'metadata', 'status']);
  const names = messagePlan(table, kind.message).fields.map((field) => field.json);
  return fieldSetOf(...names.filter((name) => !owned.has(name)).map((name) => [fieldElement(name)]));
}

export function managedKind(
  table: SchemaTable,
  kind: KindSchema,
  subresource: string,
  rulesFor: (kind: KindSchema) => KindRules,
): ManagedKind {
  return {
    table,
    kind,
    apiVersion: formatApiVersion(kind),
    subresource,
    convert: createVersionConverter(table, kind, rulesFor),
    ignored: cachedIgnoredFields(table, kind, subresource),
  };
}

/** What the server sets is nobody's. */
export const serverFields = fieldSetOf(
  [fieldElement('apiVersion')],
  [fieldElement('kind')],
  [fieldElement('metadata')],
  ...[
    'name',
    'namespace',
    'creationTimestamp',
    'selfLink',
    'uid',
    'clusterName',
    'generation',
    'managedFields',
    'resourceVersion',
  ].map((name): FieldPath => [fieldElement('metadata'), fieldElement(name)]),
);

export const shapeOfKind = (table: SchemaTable, kind: KindSchema): ApplyShape => applyShape(table, kind.message);

/** The object without its managedFields, which never own themselves. Not a copy otherwise. */
export function withoutManagedFields(object: KubeObject): KubeObject {
  if (object.metadata?.managedFields === undefined) return object;
  const { managedFields: _managedFields, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** What stands before a create: an object of the kind with nothing in it. */
export function emptyObject({ table, kind }: ManagedKind): KubeObject {
  return decodeObject(table, kind, {}).object;
}

/** The kind in another version of the same resource. */
export function kindInVersion({ table, kind }: ManagedKind, apiVersion: string): KindSchema {
  if (apiVersion === formatApiVersion(kind)) return kind;
  const storage = findStorageKind(table, kind);
  return (
    table.kinds.find(
      (other) =>
        formatApiVersion(other) === apiVersion && other.kind === kind.kind && findStorageKind(table, other) === storage,
    ) ?? kind
  );
}

export interface FieldConflict {
  readonly manager: Manager;
  readonly path: FieldPath;
}

export interface ManagedChange {
  readonly managers: Managers;
  /** In the version of the request. */
  readonly comparison: FieldComparison;
  /** Fields that others own and the change sets to something else. */
  readonly conflicts: readonly FieldConflict[];
}

/** Takes from all managers but `self` what the change from `before` to `after` modified, added or removed. */
export function manageChange(
  managed: ManagedKind,
  before: KubeObject,
  after: KubeObject,
  managers: Managers,
  self: string,
): ManagedChange {
  const comparisons = new Map<string, FieldComparison | undefined>();
  const comparisonIn = (apiVersion: string): FieldComparison | undefined => {
    if (comparisons.has(apiVersion)) return comparisons.get(apiVersion);
    const [left, right] = [managed.convert(before, apiVersion), managed.convert(after, apiVersion)];
    let comparison: FieldComparison | undefined;
    if (left !== undefined && right !== undefined) {
      const shape = shapeOfKind(managed.table, kindInVersion(managed, apiVersion));
      comparison = excludeFromComparison(compareFields(shape, left as Json, right as Json), managed.ignored);
    }
    comparisons.set(apiVersion, comparison);
    return comparison;
  };
  const changed = new Map<string, Manager>();
  const conflicts: FieldConflict[] = [];
  for (const [id, manager] of managers) {
    if (id === self) {
      changed.set(id, manager);
      continue;
    }
    const comparison = comparisonIn(manager.apiVersion);
    if (comparison === undefined) continue;
    const contested = intersectFieldSets(manager.fields, unionFieldSets(comparison.modified, comparison.added));
    conflicts.push(...fieldPaths(contested).map((path) => ({ manager, path })));
    const fields = subtractFieldSets(subtractFieldSets(manager.fields, contested), comparison.removed);
    if (!isEmptyFieldSet(fields)) changed.set(id, { ...manager, fields });
  }
  return { managers: changed, comparison: comparisonIn(managed.apiVersion)!, conflicts };
}
