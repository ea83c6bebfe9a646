/** Reads what the runtime has of a pod, asking again only for what can have changed. */
import { observedPod, type ObservedPod } from './observed-pod.js';
import {
  type ContainerDetails,
  type ContainerSummary,
  isRuntimeError,
  type PodIdentity,
  type Runtime,
  type SandboxStatus,
  type SandboxSummary,
} from './runtime.js';

export interface PodObserver {
  observe(): Promise<ObservedPod>;
}

async function unlessGone<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (isRuntimeError(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

/** A container that ended, and a ready sandbox with an address, no longer change but by their state. */
export function createPodObserver(runtime: Runtime, pod: PodIdentity): PodObserver {
  let sandboxes = new Map<string, SandboxStatus>();
  let containers = new Map<string, ContainerDetails>();

  async function readSandbox(summary: SandboxSummary): Promise<SandboxStatus | undefined> {
    const known = sandboxes.get(summary.id);
    if (known?.state === summary.state && (known.state === 'notReady' || known.ips.length > 0)) return known;
    return unlessGone(runtime.sandboxStatus(summary.id));
  }

  async function readContainer(summary: ContainerSummary): Promise<ContainerDetails | undefined> {
    const known = containers.get(summary.id);
    const settled = known?.state === summary.state && (known.state === 'exited' || known.state === 'running');
    return settled ? known : unlessGone(runtime.containerStatus(summary.id));
  }

  return {
    async observe() {
      const [sandboxSummaries, containerSummaries] = await Promise.all([
        runtime.listSandboxes(pod.uid),
        runtime.listContainers(pod.uid),
      ]);
      const readSandboxes = await Promise.all(sandboxSummaries.map(readSandbox));
      const readContainers = await Promise.all(containerSummaries.map(readContainer));
      const presentSandboxes = readSandboxes.filter((sandbox) => sandbox !== undefined);
      const presentContainers = readContainers.filter((container) => container !== undefined);
      sandboxes = new Map(presentSandboxes.map((sandbox) => [sandbox.id, sandbox]));
      containers = new Map(presentContainers.map((container) => [container.id, container]));
      return observedPod(pod, presentSandboxes, presentContainers);
    },
  };
}
