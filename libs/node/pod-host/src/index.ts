export { createLogRotator, type LogRotator, type LogRotatorOptions } from './log-rotator.js';
export { createMachinePodHost, type MachinePodHostOptions } from './machine-pod-host.js';
export { createNetworkProber } from './network-prober.js';
export { logsFolder } from './pod-paths.js';
export { parseResolverFile, readResolverFile } from './resolver-file.js';
