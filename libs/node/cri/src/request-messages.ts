/** The kubelet's sandboxes and containers as messages of the Container Runtime Interface. */
import {
  ContainerConfig as ContainerConfigMessage,
  type LinuxContainerResources,
  LinuxContainerResources as LinuxContainerResourcesMessage,
  MountPropagation,
  NamespaceMode,
  PodSandboxConfig,
  Protocol,
} from '@periplus/api/rpc';
import type {
  ContainerConfig,
  ContainerResources,
  ContainerSecurity,
  Mount,
  SandboxConfig,
  SeccompProfile,
} from '@periplus/node/pod-lifecycle';
import { containerAnnotations, containerLabels, podLabels } from './pod-labels.js';

/** What upstream hides of /proc and /sys from containers, and what it lets them read only. */
const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const READ_ONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

const int64 = (value: number | undefined): { value: bigint } | undefined =>
  value === undefined ? undefined : { value: BigInt(value) };

function seccomp(profile: SeccompProfile | undefined): { profileType: 0 | 1 | 2; localhostRef: string } | undefined {
  if (!profile) return undefined;
  const types = { RuntimeDefault: 0, Unconfined: 1, Localhost: 2 } as const;
  return { profileType: types[profile.type], localhostRef: profile.localhostRef };
}

function namespaces(config: SandboxConfig) {
  return {
    network: config.hostNetwork ? NamespaceMode.NODE : NamespaceMode.POD,
    pid: config.hostPid ? NamespaceMode.NODE : config.sharedPid ? NamespaceMode.POD : NamespaceMode.CONTAINER,
    ipc: config.hostIpc ? NamespaceMode.NODE : NamespaceMode.POD,
  };
}

export function toSandboxMessage(config: SandboxConfig): PodSandboxConfig {
  const { pod } = config;
  return PodSandboxConfig.fromPartial({
    metadata: { name: pod.name, namespace: pod.namespace, uid: pod.uid, attempt: config.attempt },
    hostname: config.hostname,
    logDirectory: config.logDirectory,
    dnsConfig: {
      servers: [...config.dns.servers],
      searches: [...config.dns.searches],
      options: [...config.dns.options],
    },
    portMappings: config.portMappings.map((mapping) => ({ ...mapping, protocol: Protocol[mapping.protocol] })),
    labels: { ...config.labels, ...podLabels(pod) },
    annotations: { ...config.annotations },
    linux: {
      cgroupParent: config.cgroupParent,
      sysctls: { ...config.sysctls },
      securityContext: {
        namespaceOptions: namespaces(config),
        runAsUser: int64(config.runAsUser),
        runAsGroup: int64(config.runAsGroup),
        supplementalGroups: config.supplementalGroups.map(BigInt),
        privileged: config.privileged,
        seccomp: seccomp(config.seccomp),
      },
    },
  });
}

export function toResourcesMessage(resources: ContainerResources): LinuxContainerResources {
  return LinuxContainerResourcesMessage.fromPartial({
    cpuShares: BigInt(resources.cpuShares),
    cpuQuota: BigInt(resources.cpuQuota),
    cpuPeriod: BigInt(resources.cpuPeriod),
    memoryLimitInBytes: BigInt(resources.memoryLimitBytes),
    oomScoreAdj: BigInt(resources.oomScoreAdj),
  });
}

function toMount(mount: Mount) {
  const propagation = {
    private: MountPropagation.PROPAGATION_PRIVATE,
    hostToContainer: MountPropagation.PROPAGATION_HOST_TO_CONTAINER,
    bidirectional: MountPropagation.PROPAGATION_BIDIRECTIONAL,
  } as const;
  return {
    containerPath: mount.containerPath,
    hostPath: mount.hostPath,
    readonly: mount.readOnly,
    propagation: propagation[mount.propagation],
  };
}

function toSecurity(security: ContainerSecurity, config: ContainerConfig, sandbox: SandboxConfig) {
  const target = config.targetContainerId;
  return {
    privileged: security.privileged,
    capabilities: {
      addCapabilities: [...security.addCapabilities],
      dropCapabilities: [...security.dropCapabilities],
    },
    namespaceOptions: {
      ...namespaces(sandbox),
      ...(target === undefined ? {} : { pid: NamespaceMode.TARGET, targetId: target }),
    },
    runAsUser: int64(security.runAsUser),
    runAsGroup: int64(security.runAsGroup),
    supplementalGroups: security.supplementalGroups.map(BigInt),
    readonlyRootfs: security.readOnlyRootFilesystem,
    noNewPrivs: security.noNewPrivileges,
    maskedPaths: security.maskProc ? MASKED_PATHS : [],
    readonlyPaths: security.maskProc ? READ_ONLY_PATHS : [],
    seccomp: seccomp(security.seccomp),
  };
}

export function toContainerMessage(config: ContainerConfig, sandbox: SandboxConfig): ContainerConfigMessage {
  return ContainerConfigMessage.fromPartial({
    metadata: { name: config.name, attempt: config.restartCount },
    image: { image: config.imageRef, userSpecifiedImage: config.image },
    command: [...config.command],
    args: [...config.args],
    workingDir: config.workingDir,
    envs: config.env.map(({ name, value }) => ({ key: name, value: Buffer.from(value, 'utf8') })),
    mounts: config.mounts.map(toMount),
    labels: containerLabels(sandbox.pod, config),
    annotations: containerAnnotations(config),
    logPath: config.logPath,
    stdin: config.stdin,
    stdinOnce: config.stdinOnce,
    tty: config.tty,
    linux: {
      resources: toResourcesMessage(config.resources),
      securityContext: toSecurity(config.security, config, sandbox),
    },
  });
}
