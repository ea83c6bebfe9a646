export {
  type CgroupHierarchy,
  CgroupBusyError,
  CgroupPathError,
  CgroupsMissingError,
  cgroupFolder,
  detectCgroups,
  ensureCgroup,
  removeCgroup,
} from './cgroup-hierarchy.js';
export { type CgroupLimits, ensurePodCgroup, removePodCgroup } from './cgroup-limits.js';
export type { CgroupStats } from './cgroup-stats.js';
export {
  type Capability,
  type FileSystemUsage,
  fileSystemUsage,
  type HostCapacity,
  type HostFacts,
  hostCapacity,
  hostFacts,
} from './host-facts.js';
export { HostLockError } from './host-lock.js';
export {
  listMounts,
  listMountsBelow,
  type Mount,
  mountTmpfs,
  type TmpfsOptions,
  unmount,
  unmountAllBelow,
} from './mounts.js';
export { argvInNetns, runInNetns } from './netns.js';
export { type NodeIdentity, NodeNameError, type NodeNames, netnsFolder, nodeNetnsPath } from './node-names.js';
export {
  BridgeFilterMissingError,
  createNodeNetwork,
  destroyNodeNetwork,
  type NodeNetwork,
  type NodeNetworkOptions,
} from './node-network.js';
export {
  type CommandError,
  CommandFailedError,
  type CommandOutput,
  CommandStoppedError,
  CommandUnavailableError,
  type RunCommandOptions,
  runCommand,
} from './run-command.js';
export { createConntrack } from './conntrack.js';
export { createIptablesWriter, createNftablesWriter, type RunProgram, removeLeftOverRules } from './rule-writers.js';
