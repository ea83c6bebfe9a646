/** A pod's topology spread constraints, its own or the defaults, read once. */
import type { Pod, TopologySpreadConstraint } from '@periplus/api/kinds';
import { type Labels, type LabelSelector, matchesLabels } from '@periplus/api/meta';
import { narrowByLabels, readSelector } from '../pod/affinity-terms.js';
import { createPodSelector, type PodSelector } from '../pod/pod-selector.js';

export interface SpreadConstraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  /** Below so many domains, the emptiest counts as empty. */
  readonly minDomains: number;
  readonly pods: PodSelector;
  /** The pod itself is one of those it counts. */
  readonly countsItself: boolean;
  /** Only nodes that the pod's node affinity allows are counted. */
  readonly honorsAffinity: boolean;
  /** Only nodes whose taints the pod tolerates are counted. */
  readonly honorsTaints: boolean;
}

export interface SpreadConstraints {
  /** DoNotSchedule. */
  readonly hard: readonly SpreadConstraint[];
  /** ScheduleAnyway. */
  readonly soft: readonly SpreadConstraint[];
  /** Nodes without one of the keys take no part; with the default constraints they do. */
  readonly needAllKeys: boolean;
}

const none: SpreadConstraints = { hard: [], soft: [], needAllKeys: true };

function toConstraint(constraint: TopologySpreadConstraint, namespace: string, labels: Labels): SpreadConstraint {
  const selector = narrowByLabels(readSelector(constraint.labelSelector), labels, constraint.matchLabelKeys ?? [], []);
  return {
    topologyKey: constraint.topologyKey,
    maxSkew: constraint.maxSkew,
    minDomains: constraint.minDomains ?? 1,
    pods: createPodSelector([namespace], undefined, selector),
    countsItself: matchesLabels(selector, labels),
    honorsAffinity: (constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor',
    honorsTaints: constraint.nodeTaintsPolicy === 'Honor',
  };
}

/** Upstream's system defaults: gently over hosts and zones. */
const DEFAULTS = [
  { topologyKey: 'kubernetes.io/hostname', maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 5 },
];

function defaultConstraints(selector: LabelSelector, namespace: string, labels: Labels): SpreadConstraints {
  const pods = createPodSelector([namespace], undefined, selector);
  const countsItself = matchesLabels(selector, labels);
  const soft = DEFAULTS.map((constraint) => ({
    ...constraint,
    minDomains: 1,
    pods,
    countsItself,
    honorsAffinity: true,
    honorsTaints: false,
  }));
  return { hard: [], soft, needAllKeys: false };
}

/** @param defaultSelector the pods that a pod without constraints is spread from: those of its Services and its owner. */
export function toSpreadConstraints(
  pod: Pod,
  defaultSelector: (pod: Pod) => LabelSelector | undefined,
): SpreadConstraints {
  const { namespace = '', labels = {} } = pod.metadata ?? {};
  const own = pod.spec?.topologySpreadConstraints ?? [];
  if (own.length === 0) {
    const selector = defaultSelector(pod);
    return selector === undefined ? none : defaultConstraints(selector, namespace, labels);
  }
  const read = (action: string) =>
    own
      .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action)
      .map((constraint) => toConstraint(constraint, namespace, labels));
  return { hard: read('DoNotSchedule'), soft: read('ScheduleAnyway'), needAllKeys: true };
}
