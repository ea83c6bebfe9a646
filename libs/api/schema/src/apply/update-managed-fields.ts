/** Records in managedFields what a create, update or patch changed. */
import type { KindRules, KindSchema, SchemaTable } from '@periplus/api/kinds';
import type { KubeObject, ManagedFieldsEntry } from '@periplus/api/meta';
import { isEmptyComparison } from './compare-fields.js';
import { excludeFieldSet, isEmptyFieldSet, subtractFieldSets, unionFieldSets } from './field-set.js';
import {
  capManagers,
  decodeManagedFields,
  encodeManagedFields,
  type Manager,
  managerId,
  type Managers,
} from './managed-fields.js';
import {
  emptyObject,
  manageChange,
  managedKind,
  serverFields,
  type ManagedKind,
  withoutManagedFields,
} from './manage-fields.js';

export interface FieldManagerRequest {
  /** `kubectl-edit`, or the user agent's first word. */
  readonly manager: string;
  /** `''` for the object itself. */
  readonly subresource: string;
  /** RFC 3339, whole seconds. */
  readonly time: string;
  readonly rulesFor: (kind: KindSchema) => KindRules;
}

/** A list that is empty, or has one empty entry, asks to forget all owners. */
function isReset(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  if (entries === undefined) return false;
  return entries.length === 0 || (entries.length === 1 && Object.keys(entries[0]!).length === 0);
}

/** Clients that know managedFields may change them; those that don't must not lose them; subresources can't change them. */
function managersBefore(live: KubeObject | undefined, object: KubeObject, subresource: string): Managers {
  const ofLive = (): Managers => decodeManagedFields(live?.metadata?.managedFields) ?? new Map<string, Manager>();
  if (subresource !== '') return ofLive();
  if (isReset(object.metadata?.managedFields)) return new Map();
  const given = decodeManagedFields(object.metadata?.managedFields);
  return given === undefined || given.size === 0 ? ofLive() : given;
}

/** No manager's id: an update is first booked apart from what its manager owned before. */
const currentOperation = 'current-operation';

/** Gives what a change from `before` to `after` set to a manager. Others lose it. */
export function bookUpdate(
  managed: ManagedKind,
  before: KubeObject,
  after: KubeObject,
  managers: Managers,
  { manager, time }: { readonly manager: string; readonly time: string | undefined },
): Managers {
  const change = manageChange(managed, before, after, managers, currentOperation);
  if (isEmptyComparison(change.comparison)) return change.managers;
  const taken = unionFieldSets(change.comparison.modified, change.comparison.added);
  const fields = subtractFieldSets(excludeFieldSet(taken, managed.ignored), serverFields);
  if (isEmptyFieldSet(fields)) return change.managers;
  const booked = new Map(change.managers);
  const entry: Omit<Manager, 'fields' | 'time'> = {
    manager: manager === '' ? 'unknown' : manager,
    operation: 'Update',
    apiVersion: managed.apiVersion,
    subresource: managed.subresource,
  };
  const id = managerId(entry);
  const owned = booked.get(id)?.fields;
  booked.set(id, { ...entry, time, fields: owned === undefined ? fields : unionFieldSets(owned, fields) });
  return booked;
}

/**
 * The managedFields of `object` after a write that turned `live` (undefined on create) into it; undefined for none. Both
 * are in `kind`'s version, decoded and defaulted. Neither is changed. An object whose owners were never tracked stays so
 * until it is applied.
 */
export function updateManagedFields(
  table: SchemaTable,
  kind: KindSchema,
  live: KubeObject | undefined,
  object: KubeObject,
  request: FieldManagerRequest,
): ManagedFieldsEntry[] | undefined {
  const managers = managersBefore(live, object, request.subresource);
  if (managers.size === 0 && live !== undefined) return undefined;
  const managed = managedKind(table, kind, request.subresource, request.rulesFor);
  const before = live === undefined ? emptyObject(managed) : withoutManagedFields(live);
  const booked = bookUpdate(managed, before, withoutManagedFields(object), managers, request);
  return encodeManagedFields(capManagers(booked));
}
