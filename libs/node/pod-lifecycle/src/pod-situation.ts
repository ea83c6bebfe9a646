/** All that a decision about one pod is made from. */
import type { Container, ContainerStatus, Pod, PodCondition } from '@periplus/api/kinds';
import { createHash } from 'node:crypto';
import type { ObservedPod } from './observed-pod.js';
import type { ContainerDetails } from './runtime.js';

/** Why a container isn't running yet, as the user shall read it. */
export interface WaitingReason {
  readonly reason: string;
  readonly message: string;
}

/** Why everything of a pod is being stopped. */
export interface PodEnding {
  /** `deleted` by the API, `finished` on its own, or ended by this node. */
  readonly why: 'deleted' | 'finished' | 'deadline' | 'evicted' | 'rejected';
  /** When the stop began. */
  readonly sinceMs: number;
  readonly graceSeconds: number;
  /** Until then its containers are left to serve what Services still send. */
  readonly drainUntilMs: number;
}

/** What probes and hooks say of a running container. */
export interface ContainerHealth {
  /** Past its startup probe and its postStart hook. */
  readonly started: boolean;
  /** By its readiness probe; true without one. */
  readonly ready: boolean;
  /** Set when a probe or a hook demands a restart. */
  readonly kill?: { readonly message: string; readonly graceSeconds?: number };
}

export interface PodSituation {
  readonly pod: Pod;
  readonly observed: ObservedPod;
  readonly nowMs: number;
  readonly ending: PodEnding | undefined;
  /** The pod's end is decided though the API may not show it yet. */
  readonly settledPhase: 'Succeeded' | 'Failed' | undefined;
  /** As last computed; their transition times are kept. */
  readonly lastConditions: readonly PodCondition[];
  /** By container name: why the last try to start it failed, and when it may be tried again. */
  readonly failedStarts: ReadonlyMap<string, WaitingReason & { readonly retryAtMs: number }>;
  /** Why the pod's sandbox or volumes couldn't be made, and when to try again. */
  readonly failedSandbox: (WaitingReason & { readonly retryAtMs: number }) | undefined;
  /** The delay after which an ended container may start again, counted from its end. */
  restartDelayMs(instance: ContainerDetails): number;
  /** Undefined for a container of which nothing is known yet. */
  health(instance: ContainerDetails): ContainerHealth | undefined;
}

/** Of what makes a running container a different one when it changes. */
export function containerHash(container: Container): string {
  return createHash('sha256')
    .update(JSON.stringify({ name: container.name, image: container.image ?? '' }))
    .digest('hex')
    .slice(0, 16);
}

/** What the API last said of a container. */
export function reportedStatus(pod: Pod, name: string): ContainerStatus | undefined {
  const status = pod.status;
  return [
    ...(status?.containerStatuses ?? []),
    ...(status?.initContainerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? []),
  ].find((candidate) => candidate.name === name);
}
