/** A deep copy of a JSON-shaped object that its owner may change; shared scalars and lossless integers stay what they are. */
import type { Json, KubeObject } from '@periplus/api/meta';
import { LosslessInteger } from '@periplus/api/meta';

function cloneJson(value: Json | undefined): Json | undefined {
  if (typeof value !== 'object' || value === null || value instanceof LosslessInteger) return value;
  if (Array.isArray(value)) return value.map((item) => cloneJson(item as Json) as Json);
  const copy = Object.create(Object.getPrototypeOf(value) as object | null) as Record<string, Json | undefined>;
  for (const [key, item] of Object.entries(value)) {
    const cloned = cloneJson(item);
    // A key `__proto__` is data: never by assignment on an object that has the setter.
    if (key === '__proto__')
      Object.defineProperty(copy, key, { value: cloned, writable: true, enumerable: true, configurable: true });
    else copy[key] = cloned;
  }
  return copy;
}

export function cloneObject<T extends KubeObject>(object: T): T {
  return cloneJson(object as unknown as Json) as unknown as T;
}
