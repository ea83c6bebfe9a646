export { createKubeletHarness, type KubeletHarness, podsTarget } from './kubelet-harness.js';
