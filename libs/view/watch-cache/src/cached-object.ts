/** One state of one object as the cache keeps it: its final bytes, made once and shared by every reader. */
import type { KubeObject, ObjectKey, Revision } from '@periplus/api/meta';
import type { EventMetadata } from '@periplus/log/object-events';

export interface CachedObject {
  readonly key: ObjectKey;
  readonly revision: Revision;
  readonly uid: string;
  /** Who wrote this state, when and why. */
  readonly event: EventMetadata;
  /** Server time of the append, milliseconds since the epoch. */
  readonly timestampMs: number;
  /**
   * The final JSON in the storage version, resourceVersion spliced in; of its own memory, never to be changed.
   * When `unreadable` is set it holds apiVersion, kind and metadata of a stand-in without data.
   */
  readonly storageJson: Uint8Array;
  /** Set when a sealed object can't be opened: its key was destroyed, or it is damaged. */
  readonly unreadable?: 'keyGone' | 'damaged';
  /** Parsed when first asked, kept while the cache has room for it, deeply frozen: never change it. */
  object(): KubeObject;
}
