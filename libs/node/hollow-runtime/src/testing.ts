export { createKubeletHarness, type KubeletHarness, podsTarget, withStrategicPatches } from './kubelet-harness.js';
