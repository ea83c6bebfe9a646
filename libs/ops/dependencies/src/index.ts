export { ensureClusterPki, type PkiOutcome } from './certificates/cluster-pki.js';
export {
  type ClusterPaths,
  cacheRoot,
  clusterPaths,
  serviceConfig,
  serviceLog,
  serviceSocket,
  stateRoot,
} from './cluster/cluster-paths.js';
export {
  chooseClusterPlan,
  planCluster,
  type ClusterPlan,
  contextNameOf,
  defaultClusterName,
  isClusterName,
  type NodePlan,
} from './cluster/cluster-plan.js';
export {
  ensureClusterPlan,
  forgetCluster,
  listClusters,
  NoClusterPlanError,
  readClusterPlan,
} from './cluster/cluster-registry.js';
export {
  endControlGroup,
  endShims,
  forgetContainers,
  forgetLoopbackLinks,
  removeControlGroup,
  unmountBelow,
} from './containerd/container-cleanup.js';
export {
  type ContainerdSettings,
  containerdProbe,
  formatContainerdConfig,
  formatMirror,
  mirroredRegistries,
} from './containerd/containerd-config.js';
export { canLowerOomScore } from './containerd/machine-limits.js';
export {
  ensurePackages,
  findCniFolder,
  nodePackages,
  type PackageNeed,
  PackagesMissingError,
  updatePackageLists,
} from './debian-packages.js';
export { removeFolder, replaceFile } from './files.js';
export { findProgram } from './find-program.js';
export {
  type BlobDescriptor,
  configMediaType,
  type ImageLayout,
  indexMediaType,
  layerMediaType,
  manifestMediaType,
  openImageLayout,
  refNameAnnotation,
} from './images/image-layout.js';
export { createImageRegistry } from './images/image-registry.js';
export { formatKubeconfig, type KubeconfigEntry, KubeconfigError } from './kubeconfig/kubeconfig-entry.js';
export { type KubeconfigChange, mergeIntoKubeconfig, removeContext } from './kubeconfig/kubeconfig-file.js';
export {
  clusterNatsSettings,
  formatNatsServerConfig,
  type NatsServerSettings,
  natsServerProbe,
} from './nats/nats-server-config.js';
export { ensureNatsServer, type Program, ProgramMissingError } from './nats/nats-server-program.js';
export { ensurePostgresPrograms, type PostgresPrograms } from './postgres/postgres-programs.js';
export {
  type PostgresSettings,
  postgresCommand,
  postgresEnvironment,
  postgresProbe,
  postgresUrl,
  preparePostgres,
} from './postgres/postgres-server.js';
export { ensureSystemUser, type SystemUser } from './postgres/system-user.js';
