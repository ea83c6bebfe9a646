export type {
  ApiRequest,
  FieldValidation,
  PropagationPolicy,
  RequestBody,
  RequestContext,
  RequestOptions,
  RequestTarget,
  RequestVerb,
} from './api-request.js';
export type { ApiResult, ListResult, ObjectResult, StatusResult } from './api-result.js';
export { createRequestHandler, type RequestHandlerOptions } from './create-request-handler.js';
export type { RequestHandler } from './request-handler.js';
// What results are made of is storage's own; doors need not know that.
export type { HistoryItem, ServedEvent, ServedObject, WatchHandle, WatchSink } from '@periplus/server/storage';
export type { IssuedToken, ReviewedToken, TokenClaims, TokenIssuer, TokenReviewer } from '@periplus/server/authn';
export { apiserverUser } from './bootstrap/bootstrap-cluster.js';
export { createServerCore, type ServerCore, type ServerCoreOptions } from './server-core.js';
