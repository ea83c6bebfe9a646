export { containerLogPath } from './container-config.js';
export type { PodObjects } from './environment.js';
export { createKubelet, type Kubelet, type KubeletOptions, type LocalPod } from './kubelet.js';
export { KUBELET_VERSION } from './kubelet-version.js';
export { type LogLine, parseLogLine } from './log-line.js';
export { type NodeDescription, type NodePressure, noPressure } from './node-status.js';
export { containersOf, identityOf, isTerminalPhase } from './pod-facts.js';
export {
  type MountRequest,
  type PodCgroup,
  type PodHost,
  PodHostError,
  type VolumeOwnership,
} from './pod-host.js';
export { type PodAction, type PodPlan, planPod, planRemoval } from './pod-plan.js';
export type { ContainerHealth, PodEnding, PodSituation, WaitingReason } from './pod-situation.js';
export { podStatus } from './pod-status.js';
export type { HttpTarget, Prober, ProbeOutcome, ProbeTarget } from './prober.js';
export { relativePathProblem } from './relative-path.js';
export { milliCpu, wholeUnits } from './resources.js';
export {
  type ContainerConfig,
  type ContainerDetails,
  type ContainerResources,
  type ContainerRunState,
  type ContainerSecurity,
  type ContainerSummary,
  type ContainerUsage,
  type DnsConfig,
  type ExecResult,
  type ImageInfo,
  isRuntimeError,
  type Mount,
  type PodIdentity,
  type PortMapping,
  type RegistryCredentials,
  type Runtime,
  RuntimeError,
  type RuntimeInfo,
  type SandboxConfig,
  type SandboxStatus,
  type SandboxSummary,
  type SeccompProfile,
} from './runtime.js';
export type { StaticPodSource } from './static-pods.js';
export type { PayloadFile, VolumePlan } from './volume-plan.js';
