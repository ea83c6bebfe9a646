/** Messages of the Container Runtime Interface as the kubelet's sandboxes, containers and images. */
import {
  type Container,
  ContainerState,
  type ContainerStats,
  type ContainerStatus,
  type Image,
  type PodSandbox,
  PodSandboxState,
  type PodSandboxStatus,
} from '@periplus/api/rpc';
import type {
  ContainerDetails,
  ContainerRunState,
  ContainerSummary,
  ContainerUsage,
  ImageInfo,
  PodIdentity,
  SandboxStatus,
  SandboxSummary,
} from '@periplus/node/pod-lifecycle';
import { containerMarks, podOfLabels } from './pod-labels.js';

const toMs = (nanoseconds: bigint): number => Number(nanoseconds / 1_000_000n);

const nobody: PodIdentity = { uid: '', namespace: '', name: '' };

function toRunState(state: ContainerState): ContainerRunState {
  switch (state) {
    case ContainerState.CONTAINER_CREATED:
      return 'created';
    case ContainerState.CONTAINER_RUNNING:
      return 'running';
    case ContainerState.CONTAINER_EXITED:
      return 'exited';
    default:
      return 'unknown';
  }
}

/** Undefined for a sandbox that no kubelet made. */
export function toSandboxSummary(sandbox: PodSandbox): SandboxSummary | undefined {
  const pod = podOfLabels(sandbox.labels);
  if (!pod) return undefined;
  return {
    id: sandbox.id,
    pod,
    attempt: sandbox.metadata?.attempt ?? 0,
    state: sandbox.state === PodSandboxState.SANDBOX_READY ? 'ready' : 'notReady',
    createdAtMs: toMs(sandbox.createdAt),
  };
}

export function toSandboxStatus(status: PodSandboxStatus): SandboxStatus {
  const first = status.network?.ip ?? '';
  const others = status.network?.additionalIps.map(({ ip }) => ip) ?? [];
  return {
    id: status.id,
    pod: podOfLabels(status.labels) ?? nobody,
    attempt: status.metadata?.attempt ?? 0,
    state: status.state === PodSandboxState.SANDBOX_READY ? 'ready' : 'notReady',
    createdAtMs: toMs(status.createdAt),
    ips: [first, ...others].filter((ip) => ip !== ''),
  };
}

/** Undefined for a container that no kubelet made. */
export function toContainerSummary(container: Container): ContainerSummary | undefined {
  const pod = podOfLabels(container.labels);
  if (!pod) return undefined;
  const { name, restartCount, specHash } = containerMarks(container.labels, container.annotations);
  return {
    id: container.id,
    sandboxId: container.podSandboxId,
    pod,
    name,
    restartCount,
    specHash,
    state: toRunState(container.state),
    createdAtMs: toMs(container.createdAt),
  };
}

/** The status does not say in which sandbox the container is; the listing does. */
export function toContainerDetails(status: ContainerStatus, sandboxId: string): ContainerDetails {
  return {
    id: status.id,
    sandboxId,
    pod: podOfLabels(status.labels) ?? nobody,
    ...containerMarks(status.labels, status.annotations),
    state: toRunState(status.state),
    createdAtMs: toMs(status.createdAt),
    startedAtMs: toMs(status.startedAt),
    finishedAtMs: toMs(status.finishedAt),
    exitCode: status.exitCode,
    reason: status.reason,
    message: status.message,
    image: status.image?.image ?? '',
    imageRef: status.imageRef,
    logPath: status.logPath,
  };
}

export function toImageInfo(image: Image): ImageInfo {
  return {
    id: image.id,
    repoTags: image.repoTags,
    repoDigests: image.repoDigests,
    sizeBytes: Number(image.size),
    ...(image.uid ? { uid: Number(image.uid.value) } : {}),
    username: image.username,
  };
}

/** Undefined for a container that no kubelet made. */
export function toUsage(stats: ContainerStats): ContainerUsage | undefined {
  const labels = stats.attributes?.labels ?? {};
  const pod = podOfLabels(labels);
  if (!pod) return undefined;
  const number = (value: { value: bigint } | undefined): number => Number(value?.value ?? 0n);
  return {
    containerId: stats.attributes?.id ?? '',
    pod,
    name: containerMarks(labels, stats.attributes?.annotations ?? {}).name,
    timestampMs: toMs(stats.cpu?.timestamp ?? stats.memory?.timestamp ?? 0n),
    cpuNanoSeconds: number(stats.cpu?.usageCoreNanoSeconds),
    memoryWorkingSetBytes: number(stats.memory?.workingSetBytes),
    memoryUsageBytes: number(stats.memory?.usageBytes),
    memoryRssBytes: number(stats.memory?.rssBytes),
    writableLayerBytes: number(stats.writableLayer?.usedBytes),
  };
}
