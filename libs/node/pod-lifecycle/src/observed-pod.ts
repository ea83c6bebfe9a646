/** What the runtime has of a pod: its sandboxes and containers, newest first. */
import type { ContainerDetails, PodIdentity, SandboxStatus } from './runtime.js';

export interface ObservedPod {
  readonly pod: PodIdentity;
  /** Newest first. */
  readonly sandboxes: readonly SandboxStatus[];
  /** Newest first. */
  readonly containers: readonly ContainerDetails[];
}

export function observedPod(
  pod: PodIdentity,
  sandboxes: readonly SandboxStatus[],
  containers: readonly ContainerDetails[],
): ObservedPod {
  const newer = (a: { createdAtMs: number; id: string }, b: { createdAtMs: number; id: string }): number =>
    b.createdAtMs - a.createdAtMs || (a.id < b.id ? -1 : 1);
  return {
    pod,
    sandboxes: [...sandboxes].sort((a, b) => b.attempt - a.attempt || newer(a, b)),
    containers: [...containers].sort((a, b) => newer(a, b) || b.restartCount - a.restartCount),
  };
}

export function nothingObserved(pod: PodIdentity): ObservedPod {
  return { pod, sandboxes: [], containers: [] };
}

/** The newest instance of a container by name. */
export function newestInstance(observed: ObservedPod, name: string): ContainerDetails | undefined {
  return observed.containers.find((container) => container.name === name);
}

/** The newest instance that ended, other than `current`. */
export function previousInstance(
  observed: ObservedPod,
  name: string,
  current: ContainerDetails | undefined,
): ContainerDetails | undefined {
  return observed.containers.find(
    (container) => container.name === name && container.id !== current?.id && container.state === 'exited',
  );
}

export function readySandbox(observed: ObservedPod): SandboxStatus | undefined {
  return observed.sandboxes.find((sandbox) => sandbox.state === 'ready');
}

export function isAlive(container: ContainerDetails): boolean {
  return container.state === 'running' || container.state === 'unknown';
}
