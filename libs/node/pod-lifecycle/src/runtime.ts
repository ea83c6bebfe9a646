/** The port to a container runtime: what a kubelet asks of a CRI, in its own words. Adapters: `node/cri`, `node/hollow-runtime`. */

/** Who a sandbox or a container belongs to; carried by the runtime as labels, so that everything is adopted after a restart. */
export interface PodIdentity {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

/** As listed; `ready` means its network and processes are up. */
export interface SandboxSummary {
  readonly id: string;
  readonly pod: PodIdentity;
  /** 0 for the pod's first sandbox. */
  readonly attempt: number;
  readonly state: 'ready' | 'notReady';
  readonly createdAtMs: number;
}

export interface SandboxStatus extends SandboxSummary {
  /** Empty on the host network. The first is the pod's IP. */
  readonly ips: readonly string[];
}

export type ContainerRunState = 'created' | 'running' | 'exited' | 'unknown';

export interface ContainerSummary {
  readonly id: string;
  readonly sandboxId: string;
  readonly pod: PodIdentity;
  /** The container's name in the pod's spec. */
  readonly name: string;
  /** How often it was restarted before this instance: 0 for the first. */
  readonly restartCount: number;
  /** Of the spec it was made from, see `containerHash`. */
  readonly specHash: string;
  readonly state: ContainerRunState;
  readonly createdAtMs: number;
}

export interface ContainerDetails extends ContainerSummary {
  /** 0 when it never started. */
  readonly startedAtMs: number;
  /** 0 while it runs. */
  readonly finishedAtMs: number;
  readonly exitCode: number;
  /** `Completed`, `Error`, `OOMKilled`, or what the runtime says. */
  readonly reason: string;
  readonly message: string;
  /** As the user wrote it. */
  readonly image: string;
  /** Repo digest, or the image's id. */
  readonly imageRef: string;
  /** Absolute. */
  readonly logPath: string;
  /** Set at creation; where the container leaves its last words on the host. */
  readonly terminationMessageFile: string;
  /** Set at creation; how long it was promised for its end. */
  readonly gracePeriodSeconds: number;
}

export interface DnsConfig {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface PortMapping {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly containerPort: number;
  readonly hostPort: number;
  readonly hostIp: string;
}

export interface SeccompProfile {
  readonly type: 'RuntimeDefault' | 'Unconfined' | 'Localhost';
  readonly localhostRef: string;
}

export interface SandboxConfig {
  readonly pod: PodIdentity;
  readonly attempt: number;
  readonly hostname: string;
  readonly logDirectory: string;
  readonly dns: DnsConfig;
  readonly portMappings: readonly PortMapping[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Of all the pod's containers; '' leaves it to the runtime. */
  readonly cgroupParent: string;
  readonly hostNetwork: boolean;
  readonly hostPid: boolean;
  readonly hostIpc: boolean;
  /** One process namespace for all of the pod's containers. */
  readonly sharedPid: boolean;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly supplementalGroups: readonly number[];
  readonly privileged: boolean;
  readonly seccomp?: SeccompProfile;
  /** RuntimeClass handler; '' is the default. */
  readonly runtimeHandler: string;
}

export interface Mount {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly readOnly: boolean;
  readonly propagation: 'private' | 'hostToContainer' | 'bidirectional';
}

export interface ContainerResources {
  readonly cpuShares: number;
  /** 0: no quota. */
  readonly cpuQuota: number;
  readonly cpuPeriod: number;
  /** 0: no limit. */
  readonly memoryLimitBytes: number;
  readonly oomScoreAdj: number;
}

export interface ContainerSecurity {
  readonly privileged: boolean;
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly supplementalGroups: readonly number[];
  readonly readOnlyRootFilesystem: boolean;
  readonly noNewPrivileges: boolean;
  /** False: the runtime's usual masked and read-only paths under /proc are left open. */
  readonly maskProc: boolean;
  readonly seccomp?: SeccompProfile;
}

export interface ContainerConfig {
  readonly name: string;
  readonly restartCount: number;
  readonly specHash: string;
  /** What to run: the reference that `pullImage` or `imageStatus` gave. */
  readonly imageRef: string;
  /** As the user wrote it. */
  readonly image: string;
  /** Undefined: the image's own. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDir: string;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly mounts: readonly Mount[];
  /** Relative to the sandbox's log directory. */
  readonly logPath: string;
  readonly terminationMessageFile: string;
  readonly gracePeriodSeconds: number;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  readonly resources: ContainerResources;
  readonly security: ContainerSecurity;
  /** Share the process namespace of this container of the same pod. */
  readonly targetContainerId?: string;
}

export interface ImageInfo {
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  readonly sizeBytes: number;
  /** The user the image asks for: a number, a name, or neither. */
  readonly uid?: number;
  readonly username: string;
}

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
  /** Base64 of `username:password`, as found in a docker config. */
  readonly auth: string;
  readonly identityToken: string;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

export interface ContainerUsage {
  readonly containerId: string;
  readonly pod: PodIdentity;
  readonly name: string;
  readonly timestampMs: number;
  readonly cpuNanoSeconds: number;
  readonly memoryWorkingSetBytes: number;
  readonly memoryUsageBytes: number;
  readonly memoryRssBytes: number;
  readonly writableLayerBytes: number;
}

export interface RuntimeInfo {
  readonly name: string;
  readonly version: string;
  /** False, with a reason, while the runtime or its network isn't ready. */
  readonly ready: boolean;
  readonly message: string;
}

/** A refusal or failure of the runtime. */
export class RuntimeError extends Error {
  constructor(
    readonly code: 'NOT_FOUND' | 'UNAVAILABLE' | 'DEADLINE_EXCEEDED' | 'REFUSED',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export function isRuntimeError(error: unknown, code?: RuntimeError['code']): error is RuntimeError {
  return error instanceof RuntimeError && (code === undefined || error.code === code);
}

/**
 * All methods reject with `RuntimeError`. Stopping and removing what is gone succeeds. Only sandboxes and containers that this
 * kubelet made are listed.
 */
export interface Runtime {
  info(): Promise<RuntimeInfo>;
  /** Of one pod, or of all. */
  listSandboxes(podUid?: string): Promise<readonly SandboxSummary[]>;
  listContainers(podUid?: string): Promise<readonly ContainerSummary[]>;
  sandboxStatus(sandboxId: string): Promise<SandboxStatus>;
  containerStatus(containerId: string): Promise<ContainerDetails>;
  runSandbox(config: SandboxConfig): Promise<string>;
  /** Also stops its containers, at once, and takes its network away. */
  stopSandbox(sandboxId: string): Promise<void>;
  removeSandbox(sandboxId: string): Promise<void>;
  createContainer(sandboxId: string, config: ContainerConfig, sandbox: SandboxConfig): Promise<string>;
  startContainer(containerId: string): Promise<void>;
  /** The stop signal, then SIGKILL after `timeoutSeconds`; resolves when it has exited. */
  stopContainer(containerId: string, timeoutSeconds: number): Promise<void>;
  removeContainer(containerId: string): Promise<void>;
  updateResources(containerId: string, resources: ContainerResources): Promise<void>;
  /** Rejects with DEADLINE_EXCEEDED when the command takes longer. */
  execSync(containerId: string, command: readonly string[], timeoutMs: number): Promise<ExecResult>;
  /** Makes the runtime write to a new log file, after the old one was renamed. */
  reopenLog(containerId: string): Promise<void>;
  /** Undefined when the image isn't there. */
  imageStatus(image: string): Promise<ImageInfo | undefined>;
  /** Resolves to the reference to create containers with. */
  pullImage(image: string, credentials: RegistryCredentials | undefined, signal: AbortSignal): Promise<string>;
  listImages(): Promise<readonly ImageInfo[]>;
  removeImage(imageRef: string): Promise<void>;
  usage(): Promise<readonly ContainerUsage[]>;
}
