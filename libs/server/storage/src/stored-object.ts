/** One state of one object as storage hands it around: what the cache keeps, or the same shape made for an answer. */
import type { KubeObject, ObjectKey, Revision } from '@periplus/api/meta';
import type { CachedObject } from '@periplus/view/watch-cache';

/** `CachedObject` is one; states read from history and outcomes of dry runs are others. */
export interface StoredObject {
  readonly key: ObjectKey;
  /** 0 for the outcome of a dry-run create: nothing was written. */
  readonly revision: Revision;
  /** Final JSON in the storage version; never to be changed. */
  readonly storageJson: Uint8Array;
  /** Set when a sealed object can't be opened: there is metadata alone. */
  readonly unreadable?: CachedObject['unreadable'];
  /** In the storage version, with resourceVersion; shared, never changed. */
  object(): KubeObject;
}
