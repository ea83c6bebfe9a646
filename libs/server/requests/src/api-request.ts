/** A request as the doors hand it in: authenticated and its path resolved, its body still bytes. */
import type { ObjectKey, Revision } from '@periplus/api/meta';
import type { UserInfo } from '@periplus/server/authn';
import type { TransactionDraft } from '@periplus/server/storage';

export type RequestVerb =
  | 'get'
  | 'list'
  | 'watch'
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  | 'deletecollection'
  /** exec, attach, port-forward, proxy: authorized here, carried out by the door. */
  | 'connect';

export interface RequestTarget {
  /** `''` for core. */
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  /** `status`, `scale`, `binding`, `eviction`, `token` …; `''` for the object itself. */
  readonly subresource: string;
  /** `''` = all namespaces, or a cluster-scoped resource. */
  readonly namespace: string;
  /** `''` for lists, creates by POST, and deletecollection. */
  readonly name: string;
}

export type PropagationPolicy = 'Background' | 'Foreground' | 'Orphan';
export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

/** What comes by query parameter or message field. Text is unparsed user input: the pipeline parses and refuses it. */
export interface RequestOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: string;
  /** 0 or absent: no limit. */
  readonly limit?: number;
  readonly continue?: string;
  /** The past: a resourceVersion, an RFC 3339 time, or a duration back (`5m`). Reads only. */
  readonly at?: string;
  readonly allowWatchBookmarks?: boolean;
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds?: number;

  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: FieldValidation;
  /** Of an apply patch. */
  readonly force?: boolean;

  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: PropagationPolicy;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export interface RequestBody {
  /**
   * Without parameters, lower case: `application/json`, `application/yaml`, `application/vnd.kubernetes.protobuf`, or a
   * patch's `application/{json-patch,merge-patch,strategic-merge-patch}+json`, `application/apply-patch+yaml`.
   */
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  /** A door has made JSON of them, which a type for YAML need not be read as. */
  readonly isJson?: true;
}

/** What a write says of itself for the log. */
export interface RequestContext {
  readonly changeId?: string;
  /** The object and revision that the writer reacted to. */
  readonly cause?: { readonly key: ObjectKey; readonly revision: Revision };
  /** The leadership under which it is written; refused when that has passed on. */
  readonly fence?: { readonly election: string; readonly revision: Revision };
  /** W3C. */
  readonly traceparent?: string;
}

export interface ApiRequest {
  /** Unique a request; a retry of the same request carries the same id and gets the first outcome. */
  readonly requestId: string;
  readonly user: UserInfo;
  readonly userAgent: string;
  readonly verb: RequestVerb;
  readonly target: RequestTarget;
  readonly options: RequestOptions;
  /** Absent where the request has none. On delete: DeleteOptions, which win over `options`. */
  readonly body?: RequestBody;
  readonly context: RequestContext;
  /** Set by a transaction for its parts: where the writes go in place of the log. */
  readonly draft?: TransactionDraft;
  /** Takes texts for the `Warning` header; called before the result is there. */
  readonly warn: (text: string) => void;
  /** By the monotonic clock; what waits (for the log, for the cache) gives up with 504 then. */
  readonly deadline: number;
}
