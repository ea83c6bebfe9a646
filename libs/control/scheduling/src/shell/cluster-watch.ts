/** Keeps the scheduler's state and queue as the informers say: what was assumed is confirmed, what is gone is forgotten. */
import { type Namespace, type Node, type Pod, sameJson } from '@periplus/api/kinds';
import type { InformerHandler } from '@periplus/client/informer';
import type { Nominations } from '../cycle/nominations.js';
import { type PodInfo, toPodInfo } from '../pod/pod-info.js';
import { nodeUpdates } from '../queue/cluster-events.js';
import type { SchedulingQueue } from '../queue/scheduling-queue.js';
import type { ClusterState } from '../state/cluster-state.js';
import type { AssumedPods } from './assumed-pods.js';
import type { SchedulerInformers } from './scheduler-informers.js';

export interface ClusterWatchOptions {
  readonly informers: SchedulerInformers;
  readonly state: ClusterState;
  readonly queue: SchedulingQueue;
  readonly nominations: Nominations;
  readonly assumed: AssumedPods;
  readonly schedulerName: string;
}

const nodeNameOf = (pod: Pod): string => pod.spec?.nodeName ?? '';
const hasEnded = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
const resizesOf = (pod: Pod): unknown =>
  [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].map(
    ({ name, allocatedResources, resources }) => [name, allocatedResources, resources?.requests],
  );

/** Nothing that the scheduler counts has changed. */
function countsTheSame(pod: Pod, before: Pod): boolean {
  const [now, then] = [pod.metadata, before.metadata];
  return (
    now?.generation !== undefined &&
    now.generation === then?.generation &&
    nodeNameOf(pod) === nodeNameOf(before) &&
    now.deletionTimestamp === then.deletionTimestamp &&
    pod.status?.startTime === before.status?.startTime &&
    sameJson(now.labels, then.labels) &&
    sameJson(resizesOf(pod), resizesOf(before))
  );
}

function asksForLess(pod: PodInfo, before: PodInfo): boolean {
  return before.requests.resources.some((resource, at) => {
    const now = pod.requests.resources.indexOf(resource);
    return (now === -1 ? 0 : pod.requests.amounts[now]!) < before.requests.amounts[at]!;
  });
}

/** Tells of what is there already first. Returns how to end it. */
export function watchCluster(options: ClusterWatchOptions): () => void {
  const { informers, state, queue, nominations, assumed } = options;
  const isOurs = (pod: Pod): boolean => (pod.spec?.schedulerName ?? options.schedulerName) === options.schedulerName;

  function takeOutOfQueue(uid: string): void {
    queue.remove(uid);
    nominations.withdraw(uid);
  }

  function onAssigned(pod: Pod): void {
    const info = toPodInfo(pod, state.resources);
    const nodeName = nodeNameOf(pod);
    const known = state.podOf(info.uid);
    const counted = state.nodeNameOf(info.uid);
    const confirms = assumed.confirm(info.uid);
    takeOutOfQueue(info.uid);
    state.addPod(nodeName, info);
    if (known === undefined || confirms || counted !== nodeName) queue.move('AssignedPodAdd');
    if (known === undefined) return;
    if (counted !== nodeName) queue.move('AssignedPodDelete');
    if (known.labelKey !== info.labelKey) queue.move('AssignedPodLabelUpdate');
    if (asksForLess(info, known)) queue.move('AssignedPodScaleDown');
  }

  function onPending(pod: Pod, before: Pod | undefined): void {
    const uid = pod.metadata?.uid ?? '';
    if (!isOurs(pod) || assumed.has(uid)) return;
    if (pod.metadata?.deletionTimestamp !== undefined) {
      forgetPending(uid);
      return;
    }
    const info = toPodInfo(pod, state.resources);
    const nominated = pod.status?.nominatedNodeName;
    if (before === undefined && nominated) nominations.nominate(info, nominated);
    else if (nominations.nodeNameOf(uid) !== undefined) nominations.nominate(info, nominations.nodeNameOf(uid)!);
    const relevant =
      before === undefined ||
      !sameJson(before.spec, pod.spec) ||
      !sameJson(before.metadata?.labels, pod.metadata?.labels);
    queue.put(info, relevant);
  }

  /** The room it was promised is free for others. */
  function forgetPending(uid: string): void {
    const promised = nominations.nodeNameOf(uid) !== undefined;
    takeOutOfQueue(uid);
    if (promised) queue.move('AssignedPodDelete');
  }

  function onGone(pod: Pod): void {
    const uid = pod.metadata?.uid ?? '';
    assumed.confirm(uid);
    if (state.removePod(uid) !== undefined) queue.move('AssignedPodDelete');
    forgetPending(uid);
  }

  const podHandler: InformerHandler<Pod> = {
    onAdd(pod) {
      if (hasEnded(pod)) onGone(pod);
      else if (nodeNameOf(pod) === '') onPending(pod, undefined);
      else onAssigned(pod);
    },
    onUpdate(pod, before) {
      if (hasEnded(pod)) onGone(pod);
      else if (nodeNameOf(pod) === '') onPending(pod, before);
      else if (!countsTheSame(pod, before)) onAssigned(pod);
    },
    onDelete: onGone,
  };

  const nodeHandler: InformerHandler<Node> = {
    onAdd(node) {
      state.setNode(node);
      queue.move('NodeAdd');
    },
    onUpdate(node, before) {
      const updates = nodeUpdates(before, node);
      if (updates.length > 0 || !sameJson(before.status?.images, node.status?.images)) state.setNode(node);
      for (const update of updates) queue.move(update);
    },
    onDelete(node) {
      state.removeNode(node.metadata?.name ?? '');
      queue.move('NodeDelete');
    },
  };

  const namespaceHandler: InformerHandler<Namespace> = {
    onAdd(namespace) {
      state.setNamespace(namespace.metadata?.name ?? '', namespace.metadata?.labels ?? {});
      queue.move('NamespaceLabelUpdate');
    },
    onUpdate(namespace, before) {
      if (sameJson(before.metadata?.labels, namespace.metadata?.labels)) return;
      state.setNamespace(namespace.metadata?.name ?? '', namespace.metadata?.labels ?? {});
      queue.move('NamespaceLabelUpdate');
    },
    onDelete(namespace) {
      state.setNamespace(namespace.metadata?.name ?? '', undefined);
    },
  };

  const removals = [
    informers.namespaces.addHandler(namespaceHandler),
    informers.nodes.addHandler(nodeHandler),
    informers.pods.addHandler(podHandler),
  ];
  return () => {
    for (const remove of removals) remove();
  };
}
