/** The port through which informers, controllers, the scheduler and nodes read and write; its adapter over gRPC is `client/sdk`. */
import type { GroupVersionResource, KubeObject, ObjectKey, Revision } from '@periplus/api/meta';

export interface ResourceTarget extends GroupVersionResource {
  /** `''` = all namespaces, or a cluster-scoped resource. */
  readonly namespace: string;
}

export interface ObjectTarget extends ResourceTarget {
  readonly name: string;
  /** `status`, `scale`, `binding`, `token`, `eviction` …; absent for the object itself. */
  readonly subresource?: string;
}

export interface ListOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Absent: the newest. `'0'`: whatever is cached. */
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
  readonly limit?: number;
  readonly continue?: string;
  /** The past: a resourceVersion, an RFC 3339 time, or a duration back. */
  readonly at?: string;
}

export interface ObjectList<T extends KubeObject> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  readonly continue?: string;
}

export interface WatchOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Go on after this; absent or `'0'`: ADDED events of what there is come first. */
  readonly resourceVersion?: string;
  /** Ask for the bookmark that ends the initial events. */
  readonly sendInitialEvents?: boolean;
}

export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string; readonly initialEventsEnd: boolean };

export interface WatchHandler<T extends KubeObject> {
  /** In order, never concurrently. */
  onEvents(events: readonly WatchEvent<T>[]): void;
  /** Ended: undefined = cleanly (resume from the last resourceVersion); an Expired StatusError = list again. Called once, last. */
  onEnd(error: Error | undefined): void;
}

/** Stops a watch; `onEnd` is not called after it. */
export type StopWatch = () => void;

/** What is said in the log about a write. */
export interface WriteContext {
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
  /** Makes a retry safe; made by the adapter when absent. */
  readonly requestId?: string;
  readonly changeId?: string;
  /** The object and revision that the writer reacted to. */
  readonly cause?: { readonly key: ObjectKey; readonly revision: Revision };
  /** The leadership under which this is written. */
  readonly fence?: { readonly election: string; readonly revision: Revision };
}

export interface DeleteOptions extends WriteContext {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

/**
 * All methods reject with `StatusError` when the server refused, and with an error whose `code` is `UNAVAILABLE` or
 * `DEADLINE_EXCEEDED` when it could not be reached or did not answer in time. Writes are retried inside with the same request id.
 * Returned objects are the caller's own copies only if it asked for them alone; objects from informers are shared and must not be changed.
 */
export interface ApiClient {
  get<T extends KubeObject>(target: ObjectTarget, options?: { resourceVersion?: string; at?: string }): Promise<T>;
  list<T extends KubeObject>(target: ResourceTarget, options?: ListOptions): Promise<ObjectList<T>>;
  watch<T extends KubeObject>(target: ResourceTarget, options: WatchOptions, handler: WatchHandler<T>): StopWatch;
  create<T extends KubeObject>(
    target: ResourceTarget | ObjectTarget,
    object: KubeObject,
    context?: WriteContext,
  ): Promise<T>;
  update<T extends KubeObject>(target: ObjectTarget, object: KubeObject, context?: WriteContext): Promise<T>;
  patch<T extends KubeObject>(
    target: ObjectTarget,
    type: PatchType,
    patch: unknown,
    context?: WriteContext & { readonly force?: boolean },
  ): Promise<T>;
  delete(target: ObjectTarget, options?: DeleteOptions): Promise<KubeObject>;
  /** Appends a leadership entry to the log; the revision fences the holder's later writes. Refused by RBAC like an update of the election's Lease. */
  acquireLeadership(election: string, holder: string): Promise<Revision>;
}

/** One write of a transaction. */
export type TransactionWrite =
  | { readonly verb: 'create'; readonly target: ResourceTarget | ObjectTarget; readonly object: KubeObject }
  | { readonly verb: 'update'; readonly target: ObjectTarget; readonly object: KubeObject }
  | {
      readonly verb: 'patch';
      readonly target: ObjectTarget;
      readonly type: PatchType;
      readonly patch: unknown;
      readonly force?: boolean;
    }
  | { readonly verb: 'delete'; readonly target: ObjectTarget; readonly options?: DeleteOptions };

/** A client that can also carry out many writes as one. */
export interface TransactingClient extends ApiClient {
  /**
   * All writes or none, as one moment of the log: at most one of an object, 1,000 in all, no Leases or Events. An object for
   * each in their order; of a delete its last state or a Status.
   */
  transact(writes: readonly TransactionWrite[], context?: WriteContext): Promise<readonly KubeObject[]>;
}
