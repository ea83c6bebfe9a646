/** What clients saw: each call with its time and outcome, each watch with its events. Written by `recordClient`. */
import type { KubeObject, ObjectKey, Revision } from '@periplus/api/meta';
import type { ResourceTarget } from '@periplus/client/api-client';

export interface SeenObject {
  readonly key: ObjectKey;
  readonly revision: Revision;
  /** As it was given to the client. */
  readonly object: KubeObject;
}

/** How new an answer was asked to be. */
export type Freshness =
  /** No resourceVersion: everything acknowledged before the call began. */
  | { readonly type: 'newest' }
  /** `0`: whatever the server has. */
  | { readonly type: 'cached' }
  | { readonly type: 'atLeast'; readonly revision: Revision }
  | { readonly type: 'exactly'; readonly revision: Revision }
  /** A point in the past that is no revision; what it means is the server's to say. */
  | { readonly type: 'past' };

/** Neither done nor refused for sure: it may have been done, or may still be done at any later time. */
export interface Unknown {
  readonly type: 'unknown';
  readonly why: string;
}

/** Surely not done. */
export interface Refused {
  readonly type: 'refused';
  /** Of the Status: `NotFound`, `Conflict` … */
  readonly reason: string;
  readonly message: string;
}

export interface CallTimes {
  readonly client: string;
  /** Names the connection, when all of the call went over one; a new name after each loss. */
  readonly connection?: string;
  /**
   * Milliseconds since the journal began, no two moments of one journal the same; `endMs` is infinite when no answer ever
   * came. A call that ended before another began came before it; any others were at the same time.
   */
  readonly startMs: number;
  readonly endMs: number;
}

export interface WriteCall extends CallTimes {
  readonly kind: 'write';
  readonly verb: 'create' | 'update' | 'patch' | 'delete';
  /** Its name is empty when the server was to make one and did not say which. */
  readonly key: ObjectKey;
  readonly subresource?: string;
  readonly requestId: string;
  /** The resourceVersion that the caller made a condition. */
  readonly expected?: Revision;
  /** There were other conditions: a uid, a leadership. A conflict then says nothing of the resourceVersion. */
  readonly hasOtherConditions: boolean;
  /** One of several writes that were done together or not at all: a refusal may be another's. */
  readonly inTransaction?: boolean;
  readonly outcome:
    | Unknown
    | Refused
    /** `seen` is absent when the answer was a Status. */
    | { readonly type: 'ok'; readonly seen?: SeenObject };
}

export interface GetCall extends CallTimes {
  readonly kind: 'get';
  readonly key: ObjectKey;
  readonly freshness: Freshness;
  readonly outcome: Unknown | Refused | { readonly type: 'ok'; readonly seen: SeenObject };
}

export interface ListCall extends CallTimes {
  readonly kind: 'list';
  readonly target: ResourceTarget;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly freshness: Freshness;
  readonly limit?: number;
  /** The call whose token this one goes on with. */
  readonly continues?: ListCall;
  readonly outcome:
    | Unknown
    | Refused
    | {
        readonly type: 'ok';
        readonly revision: Revision;
        readonly items: readonly SeenObject[];
        /** There is a next page. */
        readonly more: boolean;
      };
}

export type RecordedCall = WriteCall | GetCall | ListCall;

export type SeenEvent =
  | {
      readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
      readonly atMs: number;
      readonly seen: SeenObject;
    }
  | {
      readonly type: 'BOOKMARK';
      readonly atMs: number;
      readonly revision: Revision;
      readonly initialEventsEnd: boolean;
    };

/** One watch, from its beginning to its end; what resumes it is another. */
export interface WatchSession {
  readonly client: string;
  readonly connection?: string;
  readonly target: ResourceTarget;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** `exactly`: what came after that revision. Otherwise what there is comes first. */
  readonly from: Exclude<Freshness, { readonly type: 'past' }>;
  /** A bookmark that ends the initial events was asked for. */
  readonly sendInitialEvents: boolean;
  readonly startMs: number;
  readonly events: readonly SeenEvent[];
  readonly end: /** Still there: it has been told of everything once the system is quiet. */
    | { readonly type: 'open' }
    /** Stopped by the client, or the client itself ended. */
    | { readonly type: 'stopped'; readonly atMs: number }
    /** By the server or the connection; `reason` is the Status's, when one was given. */
    | { readonly type: 'ended'; readonly atMs: number; readonly reason?: string };
}
