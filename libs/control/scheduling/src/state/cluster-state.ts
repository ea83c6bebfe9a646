/** What the scheduler believes of the cluster: nodes, the pods on them (seen or assumed), and the indexes over both. */
import type { Node } from '@periplus/api/kinds';
import type { Labels } from '@periplus/api/meta';
import type { PodInfo } from '../pod/pod-info.js';
import type { NamespaceLabels } from '../pod/pod-selector.js';
import { createResourceIndex, type ResourceIndex } from '../pod/resource-index.js';
import { createNodeTable, type NodeTable } from './node-table.js';
import { type NodeView, toNodeView } from './node-view.js';
import { createPodCounters, type PodCounters } from './pod-counters.js';
import { createTermOwners, type TermOwners } from './term-owners.js';
import { createTopology, type Topology } from './topology.js';

export interface ClusterState {
  readonly resources: ResourceIndex;
  readonly nodes: NodeTable;
  readonly topology: Topology;
  readonly counters: PodCounters;
  readonly termOwners: TermOwners;
  readonly namespaceLabels: NamespaceLabels;
  /** Adds the node or takes over its new version; returns what was known of it before. */
  setNode(node: Node): NodeView | undefined;
  /** The node's pods stay counted, should it come back. */
  removeNode(name: string): void;
  /** Counts the pod on a node, whether the node is known or not; a pod counted elsewhere, or in an older version, moves. */
  addPod(nodeName: string, pod: PodInfo): void;
  /** Returns what was counted, and where; undefined when the pod wasn't. */
  removePod(uid: string): { readonly pod: PodInfo; readonly nodeName: string } | undefined;
  /** The pod as it is counted. */
  podOf(uid: string): PodInfo | undefined;
  nodeNameOf(uid: string): string | undefined;
  /** Undefined labels: the namespace is gone. */
  setNamespace(name: string, labels: Labels | undefined): void;
}

const noLabels: Labels = {};

function sameLabels(a: Labels, b: Labels): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

export function createClusterState(): ClusterState {
  const resources = createResourceIndex();
  const nodes = createNodeTable(resources);
  const topology = createTopology(nodes);
  const namespaces = new Map<string, Labels>();
  const namespaceLabels: NamespaceLabels = (namespace) => namespaces.get(namespace) ?? noLabels;
  const counters = createPodCounters(nodes, namespaceLabels);
  const termOwners = createTermOwners(namespaceLabels);
  const slotOfPod = new Map<string, number>();

  function removePod(uid: string) {
    const slot = slotOfPod.get(uid);
    if (slot === undefined) return undefined;
    const { pods, name } = nodes.at(slot);
    const pod = pods.get(uid);
    if (pod === undefined) return undefined;
    slotOfPod.delete(uid);
    nodes.remove(slot, pod);
    counters.remove(slot, pod);
    termOwners.remove(slot, pod);
    nodes.releaseIfEmpty(slot);
    return { pod, nodeName: name };
  }

  return {
    resources,
    nodes,
    topology,
    counters,
    termOwners,
    namespaceLabels,
    setNode(node) {
      const view = toNodeView(node);
      const { slot, view: before } = nodes.claim(view.name);
      nodes.setView(slot, view);
      topology.update(slot);
      return before;
    },
    removeNode(name) {
      const slot = nodes.slotOf(name);
      if (slot === undefined) return;
      nodes.setView(slot, undefined);
      topology.update(slot);
      nodes.releaseIfEmpty(slot);
    },
    addPod(nodeName, pod) {
      removePod(pod.uid);
      const { slot } = nodes.claim(nodeName);
      slotOfPod.set(pod.uid, slot);
      nodes.add(slot, pod);
      counters.add(slot, pod);
      termOwners.add(slot, pod);
    },
    removePod,
    podOf(uid) {
      const slot = slotOfPod.get(uid);
      return slot === undefined ? undefined : nodes.at(slot).pods.get(uid);
    },
    nodeNameOf(uid) {
      const slot = slotOfPod.get(uid);
      return slot === undefined ? undefined : nodes.at(slot).name;
    },
    setNamespace(name, labels) {
      const before = namespaceLabels(name);
      if (labels === undefined) namespaces.delete(name);
      else namespaces.set(name, labels);
      if (sameLabels(before, labels ?? noLabels)) return;
      counters.recountNamespaceSelectors();
      termOwners.forgetMatches();
    },
  };
}
