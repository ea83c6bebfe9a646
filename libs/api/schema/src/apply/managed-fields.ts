/** Who owns which fields of an object: metadata.managedFields taken apart and put together again. */
import type { ManagedFieldsEntry } from '@periplus/api/meta';
import { parseTimestamp } from '../timestamp.js';
import { decodeFieldSet, encodeFieldSet, type FieldSet, isEmptyFieldSet, unionFieldSets } from './field-set.js';

export type ManagerOperation = 'Apply' | 'Update';

/** One entry. An applier is one whatever version it speaks; an updater is another in each version. */
export interface Manager {
  readonly manager: string;
  readonly operation: ManagerOperation;
  /** In whose field names the set is. */
  readonly apiVersion: string;
  readonly subresource: string;
  /** When it last changed what it owns. */
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

/** By `managerId`. */
export type Managers = ReadonlyMap<string, Manager>;

export function managerId(manager: Omit<Manager, 'time' | 'fields'>): string {
  const { operation, subresource } = manager;
  return JSON.stringify([manager.manager, operation, operation === 'Update' ? manager.apiVersion : '', subresource]);
}

function decodeEntry(entry: ManagedFieldsEntry): Manager | undefined {
  const { operation, apiVersion = '', fieldsType } = entry;
  if ((operation !== 'Apply' && operation !== 'Update') || apiVersion === '' || fieldsType !== 'FieldsV1')
    return undefined;
  const fields = decodeFieldSet(entry.fieldsV1 ?? {});
  if (fields === undefined) return undefined;
  return {
    manager: entry.manager ?? '',
    operation,
    apiVersion,
    subresource: entry.subresource ?? '',
    time: entry.time,
    fields,
  };
}

/** Undefined when an entry is malformed: such managedFields are as good as none. */
export function decodeManagedFields(entries: readonly ManagedFieldsEntry[] | undefined): Managers | undefined {
  const managers = new Map<string, Manager>();
  for (const entry of entries ?? []) {
    const manager = decodeEntry(entry);
    if (manager === undefined) return undefined;
    managers.set(managerId(manager), manager);
  }
  return managers;
}

const seconds = (time: string | undefined): number => parseTimestamp(time ?? '')?.seconds ?? 0;
const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function compareManagers(a: Manager, b: Manager): number {
  return (
    byText(a.operation, b.operation) ||
    seconds(a.time) - seconds(b.time) ||
    byText(a.manager, b.manager) ||
    byText(a.apiVersion, b.apiVersion) ||
    byText(a.subresource, b.subresource)
  );
}

/** In upstream's order; undefined when nobody owns anything. */
export function encodeManagedFields(managers: Managers): ManagedFieldsEntry[] | undefined {
  const owners = [...managers.values()].filter(({ fields }) => !isEmptyFieldSet(fields)).sort(compareManagers);
  if (owners.length === 0) return undefined;
  return owners.map(({ manager, operation, apiVersion, time, fields, subresource }) => ({
    manager,
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: encodeFieldSet(fields),
    ...(subresource === '' ? {} : { subresource }),
  }));
}

/** More updaters than these are too many: the oldest become one. */
const updatersMax = 10;
const ancientManager = 'ancient-changes';

/** Merges the oldest updaters of a version into one entry until there are few enough. */
export function capManagers(managers: Managers): Managers {
  const updaters = [...managers].filter(([, manager]) => manager.operation === 'Update');
  if (updaters.length <= updatersMax) return managers;
  updaters.sort(([idA, a], [idB, b]) => seconds(a.time) - seconds(b.time) || byText(idA, idB));
  const capped = new Map(managers);
  const firstOfVersion = new Map<string, string>();
  let left = updaters.length;
  for (const [id, updater] of updaters) {
    if (left <= updatersMax) break;
    const bucket: Omit<Manager, 'time' | 'fields'> = {
      manager: ancientManager,
      operation: 'Update',
      apiVersion: updater.apiVersion,
      subresource: '',
    };
    const bucketId = managerId(bucket);
    const firstId = firstOfVersion.get(updater.apiVersion);
    if (firstId === undefined || id === bucketId) {
      firstOfVersion.set(updater.apiVersion, id);
      continue;
    }
    const merged = capped.get(bucketId) ?? capped.get(firstId)!;
    if (!capped.has(bucketId)) capped.delete(firstId);
    capped.delete(id);
    capped.set(bucketId, { ...bucket, time: updater.time, fields: unionFieldSets(merged.fields, updater.fields) });
    left -= 1;
  }
  return capped;
}
