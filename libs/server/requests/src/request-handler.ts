/** The one pipeline that REST, gRPC and the simulation come through: authorize → decode → default → admit → validate → store. */
import type { Revision } from '@periplus/api/meta';
import type { ApiRequest } from './api-request.js';
import type { HistoryItem, ServedObject, WatchHandle, WatchSink } from '@periplus/server/storage';
import type { ApiResult } from './api-result.js';

/** All methods throw `StatusError` for refusals, and nothing else that was expected. */
export interface RequestHandler {
  /** Every verb but `watch` and `connect`. */
  handle(request: ApiRequest): Promise<ApiResult>;
  /**
   * Carries out all requests, which are writes of single objects, in one entry of time: all or none, each seeing the ones
   * before it. A result for each. Refused with the Status of the first one that is, which says which one.
   */
  transact(requests: readonly ApiRequest[], transactionId: string): Promise<readonly ApiResult[]>;
  /** Resolves when the watch has begun; refusals before that are thrown, later ones are ERROR events. */
  watch(request: ApiRequest, sink: WatchSink): Promise<WatchHandle>;
  /**
   * For what a door carries out itself (verb `connect`, and `get` of `pods/log`): authorizes, and returns the object that
   * the target names (the Pod, the Service, the Node).
   */
  connect(request: ApiRequest): Promise<ServedObject>;
  /** Newest first; authorized as a get. Answered with 503 while Postgres is away. */
  history(request: ApiRequest, limit: number): Promise<readonly HistoryItem[]>;
  /** Appends a leadership entry; authorized as an update of the election's Lease in kube-system. */
  acquireLeadership(
    request: Pick<ApiRequest, 'requestId' | 'user' | 'userAgent' | 'deadline'>,
    election: string,
    holder: string,
  ): Promise<Revision>;
  /** For paths that are no resource (`/livez`, `/openapi/v3`): throws 403 unless allowed. */
  authorizePath(user: ApiRequest['user'], verb: string, path: string): void;
}
