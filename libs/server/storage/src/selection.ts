/** Which objects of a resource a reader wants. */
import type { KubeObject } from '@periplus/api/meta';
import type { CacheScope, IndexTerm } from '@periplus/view/watch-cache';

export interface Selection {
  /** `''` = all namespaces, or a cluster-scoped resource. */
  readonly namespace: string;
  /** An index that narrows the search; `matches` is asked all the same. */
  readonly index?: IndexTerm;
  /** Absent: all. Sees objects in the storage version. */
  matches?(object: KubeObject): boolean;
}

export function scopeOf(selection: Selection): CacheScope {
  return {
    ...(selection.namespace === '' ? {} : { namespace: selection.namespace }),
    ...(selection.index ? { index: selection.index } : {}),
  };
}
