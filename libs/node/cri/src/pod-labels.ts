/** How pods and containers are marked in the runtime, with upstream's keys, so that any kubelet finds its own again. */
import type { ContainerConfig, PodIdentity } from '@periplus/node/pod-lifecycle';

type Map = Readonly<Record<string, string>>;

const POD_NAME = 'io.kubernetes.pod.name';
const POD_NAMESPACE = 'io.kubernetes.pod.namespace';
const POD_UID = 'io.kubernetes.pod.uid';
const CONTAINER_NAME = 'io.kubernetes.container.name';
const CONTAINER_HASH = 'io.kubernetes.container.hash';
const RESTART_COUNT = 'io.kubernetes.container.restartCount';
const TERMINATION_FILE = 'io.kubernetes.container.terminationMessagePath';
const GRACE_PERIOD = 'io.kubernetes.pod.terminationGracePeriod';

export function podLabels(pod: PodIdentity): Record<string, string> {
  return { [POD_NAME]: pod.name, [POD_NAMESPACE]: pod.namespace, [POD_UID]: pod.uid };
}

/** Undefined when the labels are of somebody else's sandbox or container. */
export function podOfLabels(labels: Map): PodIdentity | undefined {
  const uid = labels[POD_UID];
  if (uid === undefined || uid === '') return undefined;
  return { uid, name: labels[POD_NAME] ?? '', namespace: labels[POD_NAMESPACE] ?? '' };
}

/** Selects what belongs to a pod. */
export function uidSelector(podUid: string): Record<string, string> {
  return { [POD_UID]: podUid };
}

export function containerLabels(pod: PodIdentity, config: ContainerConfig): Record<string, string> {
  return { ...podLabels(pod), [CONTAINER_NAME]: config.name };
}

export function containerAnnotations(config: ContainerConfig): Record<string, string> {
  return {
    [CONTAINER_HASH]: config.specHash,
    [RESTART_COUNT]: String(config.restartCount),
    [TERMINATION_FILE]: config.terminationMessageFile,
    [GRACE_PERIOD]: String(config.gracePeriodSeconds),
  };
}

function count(text: string | undefined, otherwise: number): number {
  const value = Number(text);
  return text !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : otherwise;
}

/** What `containerLabels` and `containerAnnotations` said at creation. */
export function containerMarks(
  labels: Map,
  annotations: Map,
): {
  readonly name: string;
  readonly restartCount: number;
  readonly specHash: string;
  readonly terminationMessageFile: string;
  readonly gracePeriodSeconds: number;
} {
  return {
    name: labels[CONTAINER_NAME] ?? '',
    restartCount: count(annotations[RESTART_COUNT], 0),
    specHash: annotations[CONTAINER_HASH] ?? '',
    terminationMessageFile: annotations[TERMINATION_FILE] ?? '',
    gracePeriodSeconds: count(annotations[GRACE_PERIOD], 30),
  };
}
