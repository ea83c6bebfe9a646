export { createNodeProxy, type NodeProxyOptions } from './node-proxy.js';
