/** Objects in the version a client asked for: converted and encoded once, shared by all readers of that state. */
import type { KindSchema } from '@periplus/api/kinds';
import type { KubeObject, Revision } from '@periplus/api/meta';
import type { StoredObject } from './stored-object.js';

/**
 * One revision of an object in one served version. For current objects the same instance serves every reader, so what
 * is derived from it (protobuf, a table's row) is made once with `derive`.
 */
export interface ServedObject {
  readonly kind: KindSchema;
  /** 0 for the outcome of a dry-run create. */
  readonly revision: Revision;
  /** With resourceVersion; shared, never changed by anybody. */
  object(): KubeObject;
  /** UTF-8 JSON with apiVersion, kind and resourceVersion; shared, never changed. */
  json(): Uint8Array;
  /** What `make` returned the first time for this key; lives as long as the object. */
  derive<T>(key: string, make: (served: ServedObject) => T): T;
}

export interface ObjectConversion {
  /** From the storage version to the served one; the same object when they are one. */
  toServed(kind: KindSchema, stored: KubeObject): KubeObject;
  /** JSON of an object as clients get it. */
  encodeServed(kind: KindSchema, object: KubeObject): Uint8Array;
}

export type Serve = (kind: KindSchema, stored: StoredObject) => ServedObject;

function createServedObject(kind: KindSchema, stored: StoredObject, conversion: ObjectConversion): ServedObject {
  const isStored = kind.storage.group === kind.group && kind.storage.version === kind.version;
  const derived = new Map<string, unknown>();
  let converted: KubeObject | undefined;
  let json: Uint8Array | undefined;
  const served: ServedObject = {
    kind,
    revision: stored.revision,
    object() {
      if (isStored) return stored.object();
      converted ??= conversion.toServed(kind, stored.object());
      return converted;
    },
    json() {
      json ??= isStored ? stored.storageJson : conversion.encodeServed(kind, served.object());
      return json;
    },
    derive<T>(key: string, make: (object: ServedObject) => T): T {
      if (!derived.has(key)) derived.set(key, make(served));
      return derived.get(key) as T;
    },
  };
  return served;
}

/** The same stored state gives the same served object, for each version. */
export function createServe(conversion: ObjectConversion): Serve {
  const known = new WeakMap<StoredObject, Map<KindSchema, ServedObject>>();
  return (kind, stored) => {
    let versions = known.get(stored);
    if (versions === undefined) known.set(stored, (versions = new Map()));
    let served = versions.get(kind);
    if (served === undefined) versions.set(kind, (served = createServedObject(kind, stored, conversion)));
    return served;
  };
}
