/** Whether two objects are the same, wherever they were read: whatever the order of keys, and but for their resourceVersions. */
import { LosslessInteger } from '@periplus/api/meta';

type Members = Readonly<Record<string, unknown>>;

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a instanceof LosslessInteger || b instanceof LosslessInteger) return String(a) === String(b);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, at) => isSame(item, b[at]));
  return hasSameMembers(a as Members, b as Members);
}

function hasSameMembers(a: Members, b: Members, except?: string): boolean {
  let counted = 0;
  for (const name of Object.keys(a)) {
    if (name === except || a[name] === undefined) continue;
    counted += 1;
    if (!Object.hasOwn(b, name) || !isSame(a[name], b[name])) return false;
  }
  for (const name of Object.keys(b)) if (name !== except && b[name] !== undefined) counted -= 1;
  return counted === 0;
}

const metadataOf = (object: Members): Members => (object['metadata'] ?? {}) as Members;

/** Objects that were compared before and found to be the same: caches give one object to many readers. */
const known = new WeakMap<object, object>();

/** Neither may change afterwards. */
export function isSameObject(a: object, b: object): boolean {
  if (known.get(a) === b) return true;
  const same =
    hasSameMembers(a as Members, b as Members, 'metadata') &&
    hasSameMembers(metadataOf(a as Members), metadataOf(b as Members), 'resourceVersion');
  if (same) known.set(a, b);
  return same;
}
