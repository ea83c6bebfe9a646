/** What requests are answered with: shared, already encoded objects, so that a door only puts bytes together. */
import type { KindSchema } from '@periplus/api/kinds';
import type { KubeObject, Revision, Status } from '@periplus/api/meta';

/**
 * One revision of an object in one served version. For current objects the same instance serves every reader, so what
 * is derived from it (protobuf, a table's row) is made once with `derive`.
 */
export interface ServedObject {
  readonly kind: KindSchema;
  readonly revision: Revision;
  /** With resourceVersion, deeply frozen: never changed by anybody. */
  object(): KubeObject;
  /** UTF-8 JSON with apiVersion, kind and resourceVersion; shared, never changed. */
  json(): Uint8Array;
  /** What `make` returned the first time for this key; lives as long as the object. */
  derive<T>(key: string, make: (served: ServedObject) => T): T;
}

export interface ObjectResult {
  readonly type: 'object';
  readonly object: ServedObject;
  /** 201 rather than 200. */
  readonly created: boolean;
}

export interface ListResult {
  readonly type: 'list';
  readonly kind: KindSchema;
  readonly items: readonly ServedObject[];
  /** Where a watch goes on from without missing or repeating anything. */
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** `code` in the status is the HTTP code: 200, or 201 for a created review or binding. */
export interface StatusResult {
  readonly type: 'status';
  readonly status: Status;
}

export type ApiResult = ObjectResult | ListResult | StatusResult;

export type ServedEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: ServedObject }
  /** Nothing older will come; `initialEventsEnd`: all initial events were sent. */
  | {
      readonly type: 'BOOKMARK';
      readonly kind: KindSchema;
      readonly revision: Revision;
      readonly initialEventsEnd: boolean;
    }
  /** The last event of the watch. */
  | { readonly type: 'ERROR'; readonly status: Status };

/** The door's end of a watch. */
export interface WatchSink {
  /** In order, never concurrently. `slow`: the reader is too far behind, the watch is cut (`onEnd` follows). */
  onEvents(events: readonly ServedEvent[]): 'ok' | 'slow';
  /** Called once, last, unless the door closed the watch itself: timeout, end of service, or after an ERROR event. */
  onEnd(): void;
}

/** Stops the watch; idempotent. */
export interface WatchHandle {
  close(): void;
}

/** One entry of an object's history. */
export interface HistoryItem {
  readonly revision: Revision;
  readonly verb: 'create' | 'update' | 'delete';
  readonly timeMicros: number;
  readonly user: string;
  readonly userAgent: string;
  readonly uid: string;
  readonly changeId: string;
  readonly subresource: string;
  /** Paths of the fields that differ from the revision before. */
  readonly changedFields: readonly string[];
}
