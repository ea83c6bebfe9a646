/** Objects in the versions that their managers speak: field sets only make sense in the version they were written in. */
import { findStorageKind, type KindRules, type KindSchema, type SchemaTable } from '@periplus/api/kinds';
import { formatApiVersion, type KubeObject } from '@periplus/api/meta';
import { fromStorageVersion, toStorageVersion } from '../convert-version.js';

/** Undefined when the version is served no more: its managers are forgotten. */
export type VersionConverter = (object: KubeObject, apiVersion: string) => KubeObject | undefined;

/** Converts objects of `kind`'s resource from `kind`'s version by way of the storage version. */
export function createVersionConverter(
  table: SchemaTable,
  kind: KindSchema,
  rulesFor: (kind: KindSchema) => KindRules,
): VersionConverter {
  const own = formatApiVersion(kind);
  return (object, apiVersion) => {
    if (apiVersion === own) return object;
    const storage = findStorageKind(table, kind);
    const target = table.kinds.find(
      (other) =>
        formatApiVersion(other) === apiVersion && other.kind === kind.kind && findStorageKind(table, other) === storage,
    );
    if (target === undefined) return undefined;
    const stored = toStorageVersion(table, kind, object, rulesFor(kind));
    return fromStorageVersion(table, target, stored, rulesFor(target));
  };
}
