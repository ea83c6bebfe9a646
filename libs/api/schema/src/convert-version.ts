/** Between the version a request speaks and the one objects are stored in. */
import { findResource, type KindRules, type KindSchema, type SchemaTable } from '@periplus/api/kinds';
import { formatApiVersion, type Json, type KubeObject } from '@periplus/api/meta';
import { decodeObject } from './decode-object.js';

const isStorageVersion = (kind: KindSchema): boolean =>
  kind.group === kind.storage.group && kind.version === kind.storage.version;

/** The kind in its storage version. Throws TypeError when the table has none: tables are closed. */
function storageKind(table: SchemaTable, kind: KindSchema): KindSchema {
  const found = findResource(table, kind.storage.group, kind.storage.version, kind.resource);
  if (found === undefined) throw new TypeError(`the schema lacks the storage version of ${kind.kind}`);
  return found;
}

/** Fields that the target version doesn't have are dropped, and what it always has is there. */
function inVersion(table: SchemaTable, kind: KindSchema, object: KubeObject): KubeObject {
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
  const decoded = decodeObject(table, kind, rest as Json);
  const [error] = decoded.errors;
  if (error !== undefined) throw new TypeError(`rules of ${kind.kind} made an object that is none: ${error}`);
  return { ...decoded.object, apiVersion: formatApiVersion(kind), kind: kind.kind };
}

/** `rules` are those of `kind`, the served version. The argument isn't changed; it is the answer where versions are the same. */
export function toStorageVersion(
  table: SchemaTable,
  kind: KindSchema,
  object: KubeObject,
  rules: KindRules,
): KubeObject {
  if (isStorageVersion(kind)) return object;
  return inVersion(table, storageKind(table, kind), rules.toStorage?.(object) ?? object);
}

/** From a stored object to the served version `kind`, whose rules are `rules`. */
export function fromStorageVersion(
  table: SchemaTable,
  kind: KindSchema,
  object: KubeObject,
  rules: KindRules,
): KubeObject {
  if (isStorageVersion(kind)) return object;
  return inVersion(table, kind, rules.fromStorage?.(object) ?? object);
}
