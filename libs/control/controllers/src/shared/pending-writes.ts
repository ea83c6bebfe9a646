/**
 * Whether a cache has caught up with a controller's own writes, so that it never decides on what it has itself changed
 * already: a pod that was created but not seen yet would be created twice.
 */
import type { KubeObject } from '@periplus/api/meta';
import { parseResourceVersion } from '@periplus/api/meta';
import { isDeleting, revisionOf, uidOf } from './identity.js';

/** The part of an informer that is asked; it must see every object of the resource. */
export interface CachePosition {
  resourceVersion(): string;
  get(namespace: string, name: string): KubeObject | undefined;
}

export interface PendingWrites {
  /** `key` waits until the cache has seen `written`. */
  wrote(key: string, written: KubeObject): void;
  /** `key` waits until the cache no longer shows the object, or shows it going. */
  deleted(key: string, object: KubeObject): void;
  /** The outcome of a write isn't known: the cache can't be trusted until `settle`. */
  unknown(key: string): void;
  isUnknown(key: string): boolean;
  /** The key's state was read from the server itself. */
  settle(key: string): void;
  caughtUp(key: string): boolean;
  forget(key: string): void;
}

interface Pending {
  revision: number;
  deletions: Map<string, KubeObject>;
  unknown: boolean;
}

export function createPendingWrites(cache: CachePosition): PendingWrites {
  const byKey = new Map<string, Pending>();

  function pendingOf(key: string): Pending {
    let pending = byKey.get(key);
    if (pending === undefined) byKey.set(key, (pending = { revision: 0, deletions: new Map(), unknown: false }));
    return pending;
  }

  function isSeenGoing(object: KubeObject): boolean {
    const seen = cache.get(object.metadata?.namespace ?? '', object.metadata?.name ?? '');
    return seen === undefined || uidOf(seen) !== uidOf(object) || isDeleting(seen);
  }

  return {
    wrote(key, written) {
      const pending = pendingOf(key);
      pending.revision = Math.max(pending.revision, revisionOf(written));
    },
    deleted(key, object) {
      pendingOf(key).deletions.set(uidOf(object), object);
    },
    unknown(key) {
      pendingOf(key).unknown = true;
    },
    isUnknown: (key) => byKey.get(key)?.unknown ?? false,
    settle(key) {
      byKey.delete(key);
    },
    caughtUp(key) {
      const pending = byKey.get(key);
      if (pending === undefined) return true;
      if (pending.unknown) return false;
      const position = parseResourceVersion(cache.resourceVersion()) ?? 0;
      if (position < pending.revision) return false;
      for (const [uid, object] of pending.deletions) if (isSeenGoing(object)) pending.deletions.delete(uid);
      if (pending.deletions.size > 0) return false;
      byKey.delete(key);
      return true;
    },
    forget: (key) => void byKey.delete(key),
  };
}
