/** What of a pending pod decides how nodes look to it one by one: pods of one template share a shape, and what was found out for it. */
import type { Toleration } from '@periplus/api/kinds';
import { imagesOf } from '../plugins/image-locality.js';
import { type NodeRules, toNodeRules } from '../plugins/node-affinity.js';
import type { HostPort } from './host-ports.js';
import type { PodInfo } from './pod-info.js';
import type { PodRequests } from './pod-requests.js';
import { CPU, MEMORY } from './resource-index.js';

export interface PodShape {
  /** Equal for pods that no filter or score on a single node can tell apart. */
  readonly key: string;
  readonly nodeName: string;
  readonly tolerations: readonly Toleration[];
  readonly nodeRules: NodeRules;
  readonly images: readonly string[];
  readonly requests: PodRequests;
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly hostPorts: readonly HostPort[];
}

function amountOf(requests: PodRequests, resource: number): number {
  const at = requests.resources.indexOf(resource);
  return at === -1 ? 0 : requests.amounts[at]!;
}

/** `onlyNodes`: those the pod names; the shape says nothing of them. */
export function toPodShape({ pod, requests, hostPorts }: PodInfo): {
  readonly shape: PodShape;
  readonly onlyNodes: ReadonlySet<string> | undefined;
} {
  const { nodeName = '', tolerations = [] } = pod.spec ?? {};
  const { rules: nodeRules, onlyNodes } = toNodeRules(pod);
  const images = imagesOf(pod);
  const shape = {
    key: JSON.stringify([requests, hostPorts, nodeName, tolerations, nodeRules, images]),
    nodeName,
    tolerations,
    nodeRules,
    images,
    requests,
    cpuMilli: amountOf(requests, CPU),
    memoryBytes: amountOf(requests, MEMORY),
    hostPorts,
  };
  return { shape, onlyNodes };
}
