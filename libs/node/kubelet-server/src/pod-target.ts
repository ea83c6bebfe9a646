/** From a request's path to the pod and the container that it means. */
import type { ContainerStatus } from '@periplus/api/kinds';
import { RequestRefused, type ServedPod, type ServedPods } from './server-ports.js';

export interface PodTarget {
  /** `containerLogs`, `exec`, `attach`, `portForward`. */
  readonly verb: string;
  readonly served: ServedPod;
  /** '' for port-forward. */
  readonly container: string;
}

/** `/exec/NAMESPACE/POD/CONTAINER`, also with a uid between pod and container. */
export function findTarget(path: string, pods: ServedPods): PodTarget {
  const [verb = '', ...rest] = path.slice(1).split('/').map(decodePart);
  const [namespace = '', name = ''] = rest;
  const container = rest.length > 2 ? (rest[rest.length - 1] ?? '') : '';
  const served = pods.findPod(namespace, name);
  if (!served) throw new RequestRefused(404, `pod ${name}_${namespace} not found`);
  return { verb, served, container };
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) throw new RequestRefused(400, 'the path is not valid');
    throw error;
  }
}

export function statusOfContainer({ served, container }: PodTarget): ContainerStatus {
  const { status } = served;
  const all = [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? []),
  ];
  const found = all.find(({ name }) => name === container);
  const pod = served.pod.metadata?.name ?? '';
  if (!found) throw new RequestRefused(404, `container ${container} is not valid for pod ${pod}`);
  return found;
}

/** `containerd://ID` → `ID`; undefined for a container that never was. */
export function containerIdOf(reference: string | undefined): string | undefined {
  const id = reference?.slice(reference.indexOf('://') + 3);
  return id === undefined || id === '' ? undefined : id;
}

/** The container that runs now. */
export function runningContainerId(target: PodTarget): string {
  const status = statusOfContainer(target);
  const id = containerIdOf(status.containerID);
  if (!id || !status.state?.running) throw new RequestRefused(500, `container not found ("${target.container}")`);
  return id;
}
