/** A pod as the scheduler counts it: read once from the object, immutable, and its own for each version of the object. */
import type { Pod } from '@periplus/api/kinds';
import type { Labels } from '@periplus/api/meta';
import { type AffinityTerms, toAffinityTerms } from './affinity-terms.js';
import { type HostPort, hostPortsOf } from './host-ports.js';
import { type PodRequests, toPodRequests } from './pod-requests.js';
import type { ResourceIndex } from './resource-index.js';

export interface PodInfo {
  readonly pod: Pod;
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly priority: number;
  readonly terminating: boolean;
  /** When it started; for one that hasn't, later than any that has. */
  readonly startedMs: number;
  readonly requests: PodRequests;
  readonly hostPorts: readonly HostPort[];
  readonly terms: AffinityTerms;
  /** Equal namespaces, labels and `terminating` have equal keys. */
  readonly labelKey: string;
}

const noLabels: Labels = {};

function labelKeyOf(namespace: string, labels: Labels, terminating: boolean): string {
  const keys = Object.keys(labels).sort();
  return JSON.stringify([namespace, terminating, keys, keys.map((key) => labels[key])]);
}

export function toPodInfo(pod: Pod, resources: ResourceIndex): PodInfo {
  const { namespace = '', name = '', uid = '', labels = noLabels, deletionTimestamp } = pod.metadata ?? {};
  const terminating = deletionTimestamp !== undefined;
  const started = Date.parse(pod.status?.startTime ?? '');
  return {
    pod,
    uid,
    namespace,
    name,
    labels,
    priority: pod.spec?.priority ?? 0,
    terminating,
    startedMs: Number.isNaN(started) ? Number.MAX_SAFE_INTEGER : started,
    requests: toPodRequests(pod, resources),
    hostPorts: hostPortsOf(pod),
    terms: toAffinityTerms(pod),
    labelKey: labelKeyOf(namespace, labels, terminating),
  };
}
