/**
 * The names of a resource's objects in order. Changes are cheap and unsorted; the next read merges them in.
 * Invariant: `order` is sorted and unique; every present name is in `order` or in `added`; `order` may hold names that left.
 */
import { compareUtf8 } from '@periplus/api/schema';

export interface SortedNames {
  add(name: string): void;
  /** To call after a name left: `isPresent` tells which. */
  remove(): void;
  /** All names, in order; not to be kept. */
  all(): readonly string[];
  /** Those of a namespace, in order. */
  within(namespace: string): readonly string[];
}

/** Objects are sorted as upstream's store has them: by `namespace/name`, cluster-scoped ones by `/name`. */
export const sortName = (key: { readonly namespace: string; readonly name: string }): string =>
  `${key.namespace}/${key.name}`;

/** The first place in sorted `names` whose name is not before `name`. */
function lowerBound(names: readonly string[], name: string): number {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareUtf8(names[middle]!, name) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function createSortedNames(isPresent: (name: string) => boolean): SortedNames {
  let order: string[] = [];
  let added: string[] = [];
  let left = false;

  function merge(): void {
    added.sort(compareUtf8);
    const merged: string[] = [];
    const push = (name: string): void => {
      if (merged[merged.length - 1] !== name && isPresent(name)) merged.push(name);
    };
    let next = 0;
    for (const name of order) {
      while (next < added.length && compareUtf8(added[next]!, name) < 0) push(added[next++]!);
      push(name);
    }
    while (next < added.length) push(added[next++]!);
    order = merged;
    added = [];
    left = false;
  }

  const all = (): readonly string[] => {
    if (left || added.length > 0) merge();
    return order;
  };

  return {
    add(name) {
      added.push(name);
    },
    remove() {
      left = true;
    },
    all,
    within(namespace) {
      const names = all();
      // '0' is the character behind '/'.
      return names.slice(lowerBound(names, `${namespace}/`), lowerBound(names, `${namespace}0`));
    },
  };
}
