/** Parsed forms of cached objects, as many as fit a bound: the least recently used are parsed again when asked. */
import type { KubeObject } from '@periplus/api/meta';
import { parseJson } from '@periplus/api/schema';
import { assert } from '@periplus/base/stdx';

interface JsonOwner {
  readonly storageJson: Uint8Array;
}

export interface ParsedObjects {
  /** The deeply frozen object of the owner's JSON, which was checked to be an object's before. */
  of(owner: JsonOwner): KubeObject;
}

function freezeDeeply(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const member of Object.values(value)) freezeDeeply(member);
  Object.freeze(value);
}

interface Parsed {
  readonly object: KubeObject;
  readonly bytes: number;
}

/** @param jsonBytesMax how much JSON the kept objects may have together; parsed they take some four times that. */
export function createParsedObjects(jsonBytesMax: number): ParsedObjects {
  // Two generations: what was used since the last turn is young, what was not by the next turn is dropped.
  let young = new Map<object, Parsed>();
  let old = new Map<object, Parsed>();
  let youngBytes = 0;

  function keep(owner: object, parsed: Parsed): void {
    young.set(owner, parsed);
    youngBytes += parsed.bytes;
    if (youngBytes * 2 <= jsonBytesMax) return;
    old = young;
    young = new Map();
    youngBytes = 0;
  }

  return {
    of(owner) {
      const known = young.get(owner);
      if (known !== undefined) return known.object;
      const aged = old.get(owner);
      if (aged !== undefined) {
        old.delete(owner);
        keep(owner, aged);
        return aged.object;
      }
      const json = owner.storageJson;
      const result = parseJson(json);
      assert(result.ok, 'a cached object was checked to be JSON');
      freezeDeeply(result.value);
      const object = result.value as KubeObject;
      keep(owner, { object, bytes: json.length });
      return object;
    },
  };
}
