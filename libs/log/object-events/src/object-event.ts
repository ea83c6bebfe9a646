/** What one entry of the log says, as TypeScript sees it: who did what to which object, and the object whole. */
import type { ObjectKey, Revision } from '@periplus/api/meta';

/** `system` entries carry no object. */
export type Verb = 'create' | 'update' | 'delete' | 'system';

export interface Actor {
  readonly user: string;
  readonly groups: readonly string[];
  readonly userAgent: string;
  /** The real user behind an impersonation. */
  readonly impersonator?: string;
  readonly uid?: string;
}

/** The entry that a controller reacted to. */
export interface Cause {
  readonly key: ObjectKey;
  readonly revision: Revision;
}

/** This entry is number `index` (from 0) of `count` that were appended together. */
export interface Transaction {
  readonly id: string;
  readonly index: number;
  readonly count: number;
}

/** Where a restored entry was first appended. */
export interface Origin {
  readonly clusterId: string;
  readonly revision: Revision;
  /** Server time of that append, milliseconds since the epoch. */
  readonly timestampMs: number;
}

/** How the object bytes are encrypted; see `sealObject`. */
export interface Seal {
  /** 1 = AES-256-GCM. */
  readonly algorithm: number;
  /** Where the object's own key is kept. */
  readonly keyId: string;
  readonly nonce: Uint8Array;
}

export type SystemEntry =
  /** The first entry of each stream, so that no list of an empty kind says "0". */
  | { readonly type: 'genesis'; readonly clusterId: string }
  /** Everything of the scope that ended at or before `revision` may have been purged; `timeMs` is the log's time there. */
  | { readonly type: 'floor'; readonly revision: Revision; readonly scope: string; readonly timeMs: number }
  /** A leadership, expected by the leader's later writes to be the last entry of its subject. */
  | {
      readonly type: 'fence';
      readonly holder: string;
      readonly election: string;
      /** Of the entry in `objects`: where the leadership's entries in the other streams are. */
      readonly elsewhere?: { readonly leases: Revision; readonly events: Revision };
    }
  /** Appended for its revision alone: a bound for consistent reads, or the carrier of a fence's check. */
  | { readonly type: 'barrier' }
  /** What is before it in the stream was restored: the history of the named log up to `revision` there, at `timeMs`. */
  | { readonly type: 'restore'; readonly clusterId: string; readonly revision: Revision; readonly timeMs: number };

/** All that is said of a write but the object itself: what caches keep for each object. */
export interface EventMetadata {
  readonly verb: Verb;
  /** Of an object event; a system entry has the empty key. */
  readonly key: ObjectKey;
  readonly uid: string;
  readonly actor: Actor;
  /** A retry with the same id is answered with the first outcome. */
  readonly requestId: string;
  /** What belongs together: one apply, one rollout step, one undo. */
  readonly changeId: string;
  readonly cause?: Cause;
  readonly transaction?: Transaction;
  /** The apiserver's clock, microseconds since the epoch. */
  readonly timeMicros: number;
  /** The revision of this object's previous entry; 0 for the first. */
  readonly parent: Revision;
  /** apiVersion of the object bytes: the storage version when it was written. */
  readonly apiVersion: string;
  readonly kind: string;
  /** W3C traceparent of the request. */
  readonly traceparent?: string;
  /** `status`, `scale`, `binding` … when the write came through a subresource. */
  readonly subresource?: string;
  readonly system?: SystemEntry;
  /** Of a restored entry: its time is the one here. */
  readonly restored?: Origin;
}

export interface ObjectEvent extends EventMetadata {
  /** Canonical JSON, whole, without metadata.resourceVersion; ciphertext when `seal` is set; empty for a system entry. */
  readonly object: Uint8Array;
  readonly seal?: Seal;
  /** Envelope fields this version does not know, as they were on the wire; written back by `encodeObjectEvent`. */
  readonly unknownFields?: Uint8Array;
}

export const emptyKey: ObjectKey = Object.freeze({ group: '', resource: '', namespace: '', name: '' });
