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
export type {
  ApiResult,
  HistoryItem,
  ListResult,
  ObjectResult,
  ServedEvent,
  ServedObject,
  StatusResult,
  WatchHandle,
  WatchSink,
} from './api-result.js';
export type { RequestHandler } from './request-handler.js';
