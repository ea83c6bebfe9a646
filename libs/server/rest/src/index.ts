export { createPathRoutes, type PathRoutes, type PathRoutesOptions, type TextAnswer } from './path-routes.js';
export type { AcceptedForm } from './negotiation.js';
export type { IncomingRequest } from './request-body.js';
export type { ProxyTarget, ResourceRequest } from './request-path.js';
export type { RestFeatures } from './rest-features.js';
export { createRestMetrics, type RestMetrics } from './rest-metrics.js';
export {
  type ConnectContext,
  createRestServer,
  type NodeProxy,
  type RestServer,
  type RestServerOptions,
} from './rest-server.js';
export type { OutgoingResponse } from './watch-response.js';
