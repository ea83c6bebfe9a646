/** What plugins have in common: their names and weights, and how one turns a node down. */

/** Upstream's names, under which users find them in documentation, messages and metrics. */
export type PluginName =
  | 'SchedulingGates'
  | 'NodeUnschedulable'
  | 'NodeName'
  | 'TaintToleration'
  | 'NodeAffinity'
  | 'NodePorts'
  | 'NodeResourcesFit'
  | 'NodeResourcesBalancedAllocation'
  | 'PodTopologySpread'
  | 'InterPodAffinity'
  | 'ImageLocality'
  | 'DefaultPreemption'
  | 'DefaultBinder';

/** Why a pod can't go to a node. Plugins make each once, so that thousands of nodes share it. */
export interface Rejection {
  readonly plugin: PluginName;
  /** As users read them: `Insufficient cpu`. */
  readonly reasons: readonly string[];
  /** No removal of pods from the node would help. */
  readonly unresolvable: boolean;
}

/** A plugin's score goes from 0 to this, times its weight. */
export const SCORE_MAX = 100;

export const SCORE_WEIGHTS = {
  TaintToleration: 3,
  NodeAffinity: 2,
  PodTopologySpread: 2,
  InterPodAffinity: 2,
  NodeResourcesFit: 1,
  NodeResourcesBalancedAllocation: 1,
  ImageLocality: 1,
} as const;
