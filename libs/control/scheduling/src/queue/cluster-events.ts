/** What happens in the cluster that may make room for a pod that found none, and which plugin's refusal each can lift. */
import type { Node } from '@periplus/api/kinds';
import { sameJson } from '@periplus/api/kinds';
import type { PluginName } from '../plugins/plugin.js';

export type ClusterEvent =
  | 'NodeAdd'
  | 'NodeDelete'
  | 'NodeAllocatableUpdate'
  | 'NodeLabelUpdate'
  /** Taints, or the node was cordoned or uncordoned. */
  | 'NodeTaintUpdate'
  | 'AssignedPodAdd'
  | 'AssignedPodLabelUpdate'
  /** It asks for less than before. */
  | 'AssignedPodScaleDown'
  | 'AssignedPodDelete'
  | 'NamespaceLabelUpdate';

const HELPS: Readonly<Record<ClusterEvent, readonly PluginName[]>> = {
  NodeAdd: [
    'NodeUnschedulable',
    'NodeName',
    'TaintToleration',
    'NodeAffinity',
    'NodePorts',
    'NodeResourcesFit',
    'PodTopologySpread',
    'InterPodAffinity',
  ],
  NodeDelete: ['PodTopologySpread'],
  NodeAllocatableUpdate: ['NodeResourcesFit'],
  NodeLabelUpdate: ['NodeAffinity', 'PodTopologySpread', 'InterPodAffinity'],
  NodeTaintUpdate: ['NodeUnschedulable', 'TaintToleration', 'PodTopologySpread'],
  AssignedPodAdd: ['PodTopologySpread', 'InterPodAffinity'],
  AssignedPodLabelUpdate: ['PodTopologySpread', 'InterPodAffinity'],
  AssignedPodScaleDown: ['NodeResourcesFit'],
  AssignedPodDelete: ['NodePorts', 'NodeResourcesFit', 'PodTopologySpread', 'InterPodAffinity'],
  NamespaceLabelUpdate: ['InterPodAffinity'],
};

/** A pod that no plugin refused (there was no node, for one) may be helped by anything. */
export function mayHelp(event: ClusterEvent, refusedBy: ReadonlySet<PluginName>): boolean {
  return refusedBy.size === 0 || HELPS[event].some((plugin) => refusedBy.has(plugin));
}

/** What an update of a node amounts to; nothing for a heartbeat. */
export function nodeUpdates(before: Node, after: Node): readonly ClusterEvent[] {
  const events: ClusterEvent[] = [];
  if (!sameJson(before.status?.allocatable, after.status?.allocatable)) events.push('NodeAllocatableUpdate');
  if (!sameJson(before.metadata?.labels, after.metadata?.labels)) events.push('NodeLabelUpdate');
  const cordon = (before.spec?.unschedulable ?? false) !== (after.spec?.unschedulable ?? false);
  if (cordon || !sameJson(before.spec?.taints, after.spec?.taints)) events.push('NodeTaintUpdate');
  return events;
}
