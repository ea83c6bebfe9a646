export { type CniNetwork, cniConfig, podBridge, writeCniConfig } from './cni-config.js';
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
export {
  type NodeIdentity,
  NodeNameError,
  type NodeNames,
  netnsFolder,
  nodeNames,
  nodeNetnsPath,
} from './node-names.js';
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
