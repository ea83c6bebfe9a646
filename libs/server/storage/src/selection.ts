/** Which objects of a resource a reader wants. */
import type { KubeObject } from '@periplus/api/meta';
import type { CacheScope, IndexTerm } from '@periplus/view/watch-cache';
import type { StoredObject } from './stored-object.js';

export interface Selection {
  /** `''` = all namespaces, or a cluster-scoped resource. */
  readonly namespace: string;
  /** An index that narrows the search; `matches` is asked all the same. */
  readonly index?: IndexTerm;
  /** The one name that is wanted: told from the key, without a look into the object. */
  readonly name?: string;
  /** Absent: all. Sees objects in the storage version. */
  matches?(object: KubeObject): boolean;
}

export function isSelected(selection: Selection, stored: StoredObject): boolean {
  if (selection.name !== undefined && stored.key.name !== selection.name) return false;
  return selection.matches === undefined || selection.matches(stored.object());
}

/** Selects all objects of its namespaces: then a page's rest can be counted without looking. */
export function selectsAll(selection: Selection): boolean {
  return selection.name === undefined && selection.matches === undefined;
}

export function scopeOf(selection: Selection): CacheScope {
  return {
    ...(selection.namespace === '' ? {} : { namespace: selection.namespace }),
    ...(selection.index ? { index: selection.index } : {}),
  };
}
