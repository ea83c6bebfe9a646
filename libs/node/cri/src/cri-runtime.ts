/** A container runtime behind its CRI socket. */
import { credentials } from '@grpc/grpc-js';
import { type ContainerStatus, ImageServiceClient, RuntimeServiceClient } from '@periplus/api/rpc';
import { isRuntimeError, type Runtime, RuntimeError } from '@periplus/node/pod-lifecycle';
import {
  toContainerDetails,
  toContainerSummary,
  toImageInfo,
  toSandboxStatus,
  toSandboxSummary,
  toUsage,
} from './answer-messages.js';
import { uidSelector } from './pod-labels.js';
import { toContainerMessage, toResourcesMessage, toSandboxMessage } from './request-messages.js';
import { call } from './unary-call.js';

export interface CriOptions {
  /** Path of the runtime's Unix socket. */
  readonly socketPath: string;
}

export interface ExecStreamRequest {
  readonly containerId: string;
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** Where the runtime's streaming server serves what was asked; each URL is good for one use, soon. */
export interface CriStreams {
  exec(request: ExecStreamRequest): Promise<string>;
  attach(request: Omit<ExecStreamRequest, 'command'>): Promise<string>;
  portForward(sandboxId: string, ports: readonly number[]): Promise<string>;
}

export interface Cri {
  readonly runtime: Runtime;
  readonly streams: CriStreams;
  close(): void;
}

const LIMIT_MS = 15_000;
/** Sandboxes need the network, containers their snapshots: slow on a busy disk. */
const CREATE_LIMIT_MS = 120_000;
const PULL_LIMIT_MS = 1_200_000;
const STOP_SLACK_MS = 120_000;
const EXEC_SLACK_MS = 5_000;
const MESSAGE_MAX_BYTES = 16 * 1024 * 1024;

async function goneIsFine(promise: Promise<unknown>): Promise<void> {
  try {
    await promise;
  } catch (error) {
    if (!isRuntimeError(error, 'NOT_FOUND')) throw error;
  }
}

export function createCri(options: CriOptions): Cri {
  const channel = {
    'grpc.max_receive_message_length': MESSAGE_MAX_BYTES,
    'grpc.max_send_message_length': MESSAGE_MAX_BYTES,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    'grpc.enable_retries': 0,
  };
  const address = `unix://${options.socketPath}`;
  const pods = new RuntimeServiceClient(address, credentials.createInsecure(), channel);
  const images = new ImageServiceClient(address, credentials.createInsecure(), channel);
  /** Where each container was listed, as its status doesn't say. */
  const sandboxOf = new Map<string, string>();

  async function listContainers(podUid: string | undefined) {
    const filter = { id: '', podSandboxId: '', labelSelector: podUid === undefined ? {} : uidSelector(podUid) };
    const answer = await call('ListContainers', pods.listContainers.bind(pods), { filter }, LIMIT_MS);
    if (podUid === undefined) sandboxOf.clear();
    return answer.containers.flatMap((container) => {
      const summary = toContainerSummary(container);
      if (summary) sandboxOf.set(summary.id, summary.sandboxId);
      return summary ? [summary] : [];
    });
  }

  async function statusOf(containerId: string): Promise<ContainerStatus> {
    const request = { containerId, verbose: false };
    const { status } = await call('ContainerStatus', pods.containerStatus.bind(pods), request, LIMIT_MS);
    if (!status) throw new RuntimeError('NOT_FOUND', `container ${containerId} has no status`);
    return status;
  }

  async function imageStatus(image: string) {
    const request = { image: imageSpec(image), verbose: false };
    const answer = await call('ImageStatus', images.imageStatus.bind(images), request, LIMIT_MS);
    return answer.image ? toImageInfo(answer.image) : undefined;
  }

  const imageSpec = (image: string) => ({
    image,
    annotations: {},
    userSpecifiedImage: image,
    imageRef: '',
    runtimeHandler: '',
  });

  const runtime: Runtime = {
    async info() {
      const version = await call('Version', pods.version.bind(pods), { version: 'v1' }, LIMIT_MS);
      const { status } = await call('Status', pods.status.bind(pods), { verbose: false }, LIMIT_MS);
      const failed = (status?.conditions ?? []).filter((condition) => !condition.status);
      return {
        name: version.runtimeName,
        version: version.runtimeVersion,
        ready: failed.length === 0,
        message: failed.map(({ type, message }) => `${type}: ${message}`).join('; '),
      };
    },
    async listSandboxes(podUid) {
      const filter = { id: '', state: undefined, labelSelector: podUid === undefined ? {} : uidSelector(podUid) };
      const answer = await call('ListPodSandbox', pods.listPodSandbox.bind(pods), { filter }, LIMIT_MS);
      return answer.items.flatMap((sandbox) => toSandboxSummary(sandbox) ?? []);
    },
    listContainers,
    async sandboxStatus(podSandboxId) {
      const request = { podSandboxId, verbose: false };
      const { status } = await call('PodSandboxStatus', pods.podSandboxStatus.bind(pods), request, LIMIT_MS);
      if (!status) throw new RuntimeError('NOT_FOUND', `sandbox ${podSandboxId} has no status`);
      return toSandboxStatus(status);
    },
    async containerStatus(containerId) {
      const status = await statusOf(containerId);
      return toContainerDetails(status, sandboxOf.get(containerId) ?? '');
    },
    async runSandbox(config) {
      const request = { config: toSandboxMessage(config), runtimeHandler: config.runtimeHandler };
      const answer = await call('RunPodSandbox', pods.runPodSandbox.bind(pods), request, CREATE_LIMIT_MS);
      return answer.podSandboxId;
    },
    stopSandbox: (podSandboxId) =>
      goneIsFine(call('StopPodSandbox', pods.stopPodSandbox.bind(pods), { podSandboxId }, CREATE_LIMIT_MS)),
    removeSandbox: (podSandboxId) =>
      goneIsFine(call('RemovePodSandbox', pods.removePodSandbox.bind(pods), { podSandboxId }, CREATE_LIMIT_MS)),
    async createContainer(podSandboxId, config, sandbox) {
      const request = {
        podSandboxId,
        config: toContainerMessage(config, sandbox),
        sandboxConfig: toSandboxMessage(sandbox),
      };
      const answer = await call('CreateContainer', pods.createContainer.bind(pods), request, CREATE_LIMIT_MS);
      sandboxOf.set(answer.containerId, podSandboxId);
      return answer.containerId;
    },
    async startContainer(containerId) {
      await call('StartContainer', pods.startContainer.bind(pods), { containerId }, CREATE_LIMIT_MS);
    },
    stopContainer(containerId, timeoutSeconds) {
      const request = { containerId, timeout: BigInt(Math.max(0, Math.floor(timeoutSeconds))) };
      const limitMs = timeoutSeconds * 1000 + STOP_SLACK_MS;
      return goneIsFine(call('StopContainer', pods.stopContainer.bind(pods), request, limitMs));
    },
    removeContainer: (containerId) =>
      goneIsFine(call('RemoveContainer', pods.removeContainer.bind(pods), { containerId }, CREATE_LIMIT_MS)),
    async updateResources(containerId, resources) {
      const request = { containerId, linux: toResourcesMessage(resources), annotations: {} };
      await call('UpdateContainerResources', pods.updateContainerResources.bind(pods), request, LIMIT_MS);
    },
    async execSync(containerId, command, timeoutMs) {
      const request = { containerId, cmd: [...command], timeout: BigInt(Math.max(1, Math.ceil(timeoutMs / 1000))) };
      const limitMs = timeoutMs + EXEC_SLACK_MS;
      const { exitCode, stdout, stderr } = await call('ExecSync', pods.execSync.bind(pods), request, limitMs);
      return { exitCode, stdout, stderr };
    },
    async reopenLog(containerId) {
      await call('ReopenContainerLog', pods.reopenContainerLog.bind(pods), { containerId }, LIMIT_MS);
    },
    imageStatus,
    async pullImage(image, login, signal) {
      const auth = login && { ...login, serverAddress: '', registryToken: '' };
      const request = { image: imageSpec(image), auth, sandboxConfig: undefined };
      const answer = await call('PullImage', images.pullImage.bind(images), request, PULL_LIMIT_MS, signal);
      return answer.imageRef;
    },
    async listImages() {
      const answer = await call('ListImages', images.listImages.bind(images), { filter: undefined }, LIMIT_MS);
      return answer.images.map(toImageInfo);
    },
    removeImage: (image) =>
      goneIsFine(call('RemoveImage', images.removeImage.bind(images), { image: imageSpec(image) }, CREATE_LIMIT_MS)),
    async usage() {
      const request = { filter: undefined };
      const answer = await call('ListContainerStats', pods.listContainerStats.bind(pods), request, LIMIT_MS);
      return answer.stats.flatMap((stats) => toUsage(stats) ?? []);
    },
  };

  return {
    runtime,
    streams: {
      async exec({ containerId, command, tty, stdin, stdout, stderr }) {
        const request = { containerId, cmd: [...command], tty, stdin, stdout, stderr };
        return (await call('Exec', pods.exec.bind(pods), request, LIMIT_MS)).url;
      },
      async attach(request) {
        return (await call('Attach', pods.attach.bind(pods), request, LIMIT_MS)).url;
      },
      async portForward(podSandboxId, ports) {
        const request = { podSandboxId, port: [...ports] };
        return (await call('PortForward', pods.portForward.bind(pods), request, LIMIT_MS)).url;
      },
    },
    close() {
      pods.close();
      images.close();
    },
  };
}
