/** Small questions that many parts ask of a pod's spec. */
import type { Container, Pod, PodSpec } from '@periplus/api/kinds';
import type { PodIdentity } from './runtime.js';

export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';

/** Which list of the spec a container stands in; a `sidecar` is an init container with restartPolicy Always. */
export type ContainerRole = 'init' | 'sidecar' | 'main' | 'ephemeral';

export interface ContainerPlace {
  readonly role: ContainerRole;
  readonly container: Container;
}

export function identityOf(pod: Pod): PodIdentity {
  return {
    uid: pod.metadata?.uid ?? '',
    namespace: pod.metadata?.namespace ?? '',
    name: pod.metadata?.name ?? '',
  };
}

export function specOf(pod: Pod): PodSpec {
  return pod.spec ?? { containers: [] };
}

export function restartPolicyOf(pod: Pod): RestartPolicy {
  const policy = pod.spec?.restartPolicy;
  return policy === 'Never' || policy === 'OnFailure' ? policy : 'Always';
}

export function initRole(container: Container): ContainerRole {
  return container.restartPolicy === 'Always' ? 'sidecar' : 'init';
}

/** All containers of a pod in the order in which they start. */
export function containersOf(pod: Pod): readonly ContainerPlace[] {
  const spec = specOf(pod);
  return [
    ...(spec.initContainers ?? []).map((container) => ({ role: initRole(container), container })),
    ...spec.containers.map((container) => ({ role: 'main' as const, container })),
    ...(spec.ephemeralContainers ?? []).map((container) => ({ role: 'ephemeral' as const, container })),
  ];
}

/** Succeeded or Failed: nothing of it runs again. */
export function isTerminalPhase(phase: string | undefined): phase is 'Succeeded' | 'Failed' {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** The seconds a pod has to end: what its deletion says, else what its spec says. */
export function gracePeriodOf(pod: Pod): number {
  return pod.metadata?.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30;
}

/** A container's numbered port, or the number of its named one; undefined when there is none. */
export function resolvePort(container: Container, port: number | string): number | undefined {
  if (typeof port === 'number') return port > 0 && port < 65_536 ? port : undefined;
  const named = container.ports?.find((candidate) => candidate.name === port)?.containerPort;
  if (named !== undefined) return named;
  return /^[0-9]{1,5}$/.test(port) ? resolvePort(container, Number(port)) : undefined;
}

export function hostnameOf(pod: Pod): string {
  const chosen = pod.spec?.hostname || pod.metadata?.name || '';
  return chosen.slice(0, 63).replace(/[-.]+$/, '');
}

/** The key of the annotation by which a pod from a file is known, here and as its mirror in the API. */
export const CONFIG_MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
export const CONFIG_SOURCE_ANNOTATION = 'kubernetes.io/config.source';
export const CONFIG_HASH_ANNOTATION = 'kubernetes.io/config.hash';

export function isMirrorPod(pod: Pod): boolean {
  return pod.metadata?.annotations?.[CONFIG_MIRROR_ANNOTATION] !== undefined;
}

export function isStaticPod(pod: Pod): boolean {
  const source = pod.metadata?.annotations?.[CONFIG_SOURCE_ANNOTATION];
  return source !== undefined && source !== 'api';
}
