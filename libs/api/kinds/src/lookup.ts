/** Finds kinds in a schema table by kind or by resource, through indexes built on first use. */
import type { KindSchema, SchemaTable } from './schema-table.js';

interface Indexes {
  readonly byKind: ReadonlyMap<string, KindSchema>;
  readonly byResource: ReadonlyMap<string, KindSchema>;
}

const indexesOf = new WeakMap<SchemaTable, Indexes>();

const keyOf = (group: string, version: string, name: string): string => `${group}/${version}/${name}`;

function indexes(table: SchemaTable): Indexes {
  const known = indexesOf.get(table);
  if (known !== undefined) return known;
  const byKind = new Map<string, KindSchema>();
  const byResource = new Map<string, KindSchema>();
  for (const kind of table.kinds) {
    byKind.set(keyOf(kind.group, kind.version, kind.kind), kind);
    if (kind.resource !== '') byResource.set(keyOf(kind.group, kind.version, kind.resource), kind);
  }
  const built = { byKind, byResource };
  indexesOf.set(table, built);
  return built;
}

/** `group` is `''` for core. Also finds kinds that are only bodies, and ones that aren't served. */
export function findKind(table: SchemaTable, group: string, version: string, kind: string): KindSchema | undefined {
  return indexes(table).byKind.get(keyOf(group, version, kind));
}

/** By plural name as in URLs. */
export function findResource(
  table: SchemaTable,
  group: string,
  version: string,
  resource: string,
): KindSchema | undefined {
  return indexes(table).byResource.get(keyOf(group, version, resource));
}

/** The kind in the version that its objects are stored in: itself for most. */
export function findStorageKind(table: SchemaTable, kind: KindSchema): KindSchema {
  return findResource(table, kind.storage.group, kind.storage.version, kind.resource) ?? kind;
}
