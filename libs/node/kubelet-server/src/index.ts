export { type KubeletServer, type KubeletServerOptions, startKubeletServer } from './kubelet-server.js';
export type { ServedPod, ServedPods, ServedRuntime, StreamRequest, StreamUrls } from './server-ports.js';
