/** The current objects and the newest changes of the cluster, in memory: every get, list and watch of the present. */
import type { ObjectKey, Revision } from '@periplus/api/meta';
import type { StreamName, Subject } from '@periplus/log/event-log';
import type { CachedObject } from './cached-object.js';
import type { IndexTerm } from './object-index.js';

/** All versions of a resource are one to the cache. */
export interface ResourceName {
  readonly group: string;
  readonly resource: string;
}

export interface CacheScope {
  /** Absent = all namespaces, or a cluster-scoped resource. */
  readonly namespace?: string;
  /** Only objects that an index has under this value. */
  readonly index?: IndexTerm;
}

/** The last entry of an object is one that nobody can read; it is cached as it was before, if it was. */
export interface DamagedObject {
  readonly key: ObjectKey;
  /** Of the entry. */
  readonly revision: Revision;
}

export interface CachedList {
  /** By namespace and name, in the order of their UTF-8 bytes (of `namespace/name`). */
  readonly items: readonly CachedObject[];
  /** Of the whole stream: a watch goes on from here. Always a transaction's end. */
  readonly revision: Revision;
}

/** One change of one object within a scope. */
export interface WatchChange {
  readonly type: 'put' | 'delete';
  readonly revision: Revision;
  /** The new state; of a delete the last state, with the revision of the delete. */
  readonly current: CachedObject;
  /** The state before; absent when the object was new. */
  readonly previous?: CachedObject;
}

/** Called synchronously as entries are applied, with whole transactions: must be quick and must not throw. */
export type WatchListener = (changes: readonly WatchChange[]) => void;

export type CacheWatch =
  /** `backlog` is what happened between the asked revision and now; later changes go to the listener. No gap, no repeat. */
  | { readonly outcome: 'watching'; readonly backlog: readonly WatchChange[]; stop(): void }
  /** The window, or the resource's floor, is behind the asked revision: read older changes from Postgres, then watch from `oldest`. */
  | { readonly outcome: 'tooOld'; readonly oldest: Revision }
  /** The cache has not got there: `waitFor` it first. */
  | { readonly outcome: 'tooNew'; readonly applied: Revision };

export type CachedListAt =
  | { readonly outcome: 'list'; readonly list: CachedList }
  | { readonly outcome: 'tooOld'; readonly oldest: Revision }
  | { readonly outcome: 'tooNew'; readonly applied: Revision };

export type CachedObjectAt =
  /** `object` is undefined when there was none. */
  | { readonly outcome: 'object'; readonly object: CachedObject | undefined }
  | { readonly outcome: 'tooOld'; readonly oldest: Revision }
  | { readonly outcome: 'tooNew'; readonly applied: Revision };

export interface WatchCache {
  /** Fills the cache and resolves when it has reached what was the log's end at the call. Rejects when that fails for good. */
  start(): Promise<void>;
  /** Throws what ended the following of the log; returns when the cache is started and follows. */
  check(): void;
  /** Everything up to here is applied and was given to the watches, so a bookmark may say it. Always a transaction's end. */
  appliedRevision(stream: StreamName): Revision;
  /** False when `revision` was not applied within `limitMs`. */
  waitFor(stream: StreamName, revision: Revision, limitMs: number): Promise<boolean>;

  /** Readers who want the newest are to be told: what `get` gives is older. Ends with the next entry of the object. */
  damagedAt(key: ObjectKey): Revision | undefined;
  /** All of a stream, or of one resource. */
  damaged(of: StreamName | ResourceName): readonly DamagedObject[];
  get(key: ObjectKey): CachedObject | undefined;
  list(resource: ResourceName, scope?: CacheScope): CachedList;
  /** Within the window, by undoing what came later. */
  getAt(key: ObjectKey, revision: Revision): CachedObjectAt;
  listAt(resource: ResourceName, revision: Revision, scope?: CacheScope): CachedListAt;
  /** Changes after `from`. */
  watch(resource: ResourceName, from: Revision, listener: WatchListener, scope?: CacheScope): CacheWatch;

  /** What an append expects: the subject's last revision, tombstones and system subjects too; 0 when it has none. */
  lastRevisionOf(subject: Subject): Revision;
  /**
   * The log says that the last entry of a subject is at `revision` (0: it has none), at a time when this cache was there
   * already: tombstones leave the log without an entry that says so. Ignored while there is an object.
   */
  correctLast(subject: Subject, revision: Revision): void;
  /** The state that a request wrote, when that was within the window: its retry is answered with it. */
  writtenBy(requestId: string): CachedObject | undefined;
  /** Whether a request wrote something shortly before the window: what, history knows. */
  wroteBefore(requestId: string): boolean;
  /** The last change whose append was at or before `timeMs`: "as of" for another stream. Undefined before the window. */
  revisionAtTime(stream: StreamName, timeMs: number): Revision | undefined;
  /** The resources that have, or had, objects. */
  resources(): readonly ResourceName[];
  close(): void;
}
