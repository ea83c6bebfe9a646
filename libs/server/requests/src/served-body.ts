/** Objects that are answered and never stored: scales, tokens, reviews. */
import type { KindSchema, SchemaTable } from '@periplus/api/kinds';
import { type KubeObject, toRevision, type Revision } from '@periplus/api/meta';
import { encodeObject } from '@periplus/api/schema';
import type { ServedObject } from '@periplus/server/storage';

export function serveBody(table: SchemaTable, kind: KindSchema, object: KubeObject, revision?: Revision): ServedObject {
  let json: Uint8Array | undefined;
  const derived = new Map<string, unknown>();
  const served: ServedObject = {
    kind,
    revision: revision ?? toRevision(0),
    object: () => object,
    json() {
      json ??= Buffer.from(encodeObject(table, kind, object).json, 'utf8');
      return json;
    },
    derive<T>(key: string, make: (of: ServedObject) => T): T {
      if (!derived.has(key)) derived.set(key, make(served));
      return derived.get(key) as T;
    },
  };
  return served;
}
