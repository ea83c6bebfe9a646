/** Objects in the version a client asked for: converted and encoded once for all who read that state at about the same time. */
import type { KindSchema } from '@periplus/api/kinds';
import type { KubeObject, Revision } from '@periplus/api/meta';
import type { StoredObject } from './stored-object.js';

/**
 * One revision of an object in one served version. What is derived from it (protobuf, a line of a watch) is made once with
 * `derive` for a thousand watchers of one change; it is not kept for ever, as for each object of a cluster it would be more
 * than the objects themselves.
 */
export interface ServedObject {
  readonly kind: KindSchema;
  /** 0 for the outcome of a dry-run create. */
  readonly revision: Revision;
  /** With resourceVersion; shared, never changed by anybody. */
  object(): KubeObject;
  /** UTF-8 JSON with apiVersion, kind and resourceVersion; made each time it is asked, of the storage version. */
  json(): Uint8Array;
  /** What `make` returned for this key before, or returns now. */
  derive<T>(key: string, make: (served: ServedObject) => T): T;
}

export interface ObjectConversion {
  /** From the storage version to the served one; the same object when they are one. */
  toServed(kind: KindSchema, stored: KubeObject): KubeObject;
  /** JSON of an object as clients get it. */
  encodeServed(kind: KindSchema, object: KubeObject): Uint8Array;
}

export type Serve = (kind: KindSchema, stored: StoredObject) => ServedObject;

/** What a version's readers share of one stored state. */
type Derived = Map<string, unknown>;

/** What has no size of its own counts as this much. */
const bytesOfOther = 1_024;

function createServedObject(
  kind: KindSchema,
  stored: StoredObject,
  conversion: ObjectConversion,
  derivedOf: DerivedOf,
): ServedObject {
  const isStored = kind.storage.group === kind.group && kind.storage.version === kind.version;
  const served: ServedObject = {
    kind,
    revision: stored.revision,
    object: () =>
      isStored ? stored.object() : served.derive('object', () => conversion.toServed(kind, stored.object())),
    json: () =>
      isStored ? stored.storageJson : served.derive('json', () => conversion.encodeServed(kind, served.object())),
    derive<T>(key: string, make: (object: ServedObject) => T): T {
      return derivedOf(kind, stored).get(key, () => make(served));
    },
  };
  return served;
}

type DerivedOf = (kind: KindSchema, stored: StoredObject) => { get<T>(key: string, make: () => T): T };

/** Two generations: what was used since the last turn is young, what was not by the next turn is dropped. */
function createDerivedMemo(bytesMax: number): DerivedOf {
  type Versions = Map<KindSchema, Derived>;
  let young = new Map<StoredObject, Versions>();
  let old = new Map<StoredObject, Versions>();
  let youngBytes = 0;

  function count(bytes: number): void {
    youngBytes += bytes;
    if (youngBytes * 2 <= bytesMax) return;
    old = young;
    young = new Map();
    youngBytes = 0;
  }

  const sizeOf = (value: unknown): number => (value instanceof Uint8Array ? value.length : bytesOfOther);

  function versionsOf(stored: StoredObject): Versions {
    const known = young.get(stored);
    if (known !== undefined) return known;
    const aged = old.get(stored);
    const versions: Versions = aged ?? new Map<KindSchema, Derived>();
    old.delete(stored);
    young.set(stored, versions);
    let bytes = bytesOfOther;
    for (const derived of versions.values()) for (const value of derived.values()) bytes += sizeOf(value);
    count(bytes);
    return versions;
  }

  return (kind, stored) => ({
    get<T>(key: string, make: () => T): T {
      const versions = versionsOf(stored);
      let derived = versions.get(kind);
      if (derived === undefined) versions.set(kind, (derived = new Map<string, unknown>()));
      if (derived.has(key)) return derived.get(key) as T;
      const value = make();
      derived.set(key, value);
      count(sizeOf(value));
      return value;
    },
  });
}

/**
 * What is derived from a stored state is shared by all readers of it who ask within a while.
 *
 * @param derivedBytesMax how much of that is kept
 */
export function createServe(conversion: ObjectConversion, derivedBytesMax = 32 * 1024 * 1024): Serve {
  const derivedOf = createDerivedMemo(derivedBytesMax);
  return (kind, stored) => createServedObject(kind, stored, conversion, derivedOf);
}
