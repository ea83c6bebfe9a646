export { createHollowHost, type HollowHost } from './hollow-host.js';
export { createHollowKubelet, type HollowKubelet, type HollowKubeletOptions, hollowNode } from './hollow-kubelet.js';
export { createHollowProber } from './hollow-prober.js';
export { createHollowRuntime, type HollowRuntime, type HollowRuntimeOptions } from './hollow-runtime.js';
