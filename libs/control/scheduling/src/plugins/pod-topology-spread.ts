/**
 * PodTopologySpread: keeps the numbers of like pods even over the domains of a topology.
 *
 * Example: zones a, b and c hold 3, 1 and 1 pods, maxSkew is 1. One more in a would be 4 against a minimum of 1: refused.
 * In b it would be 2 against 1: allowed.
 */
import type { PodShape } from '../pod/pod-shape.js';
import type { ClusterState } from '../state/cluster-state.js';
import type { SlotCounts } from '../state/slot-counts.js';
import type { TopologyKey } from '../state/topology.js';
import { type Rejection, SCORE_MAX } from './plugin.js';
import type { SpreadConstraint, SpreadConstraints } from './spread-constraints.js';

const skewRejection: Rejection = {
  plugin: 'PodTopologySpread',
  reasons: ["node(s) didn't match pod topology spread constraints"],
  unresolvable: false,
};
const missingLabelRejection: Rejection = {
  plugin: 'PodTopologySpread',
  reasons: ["node(s) didn't match pod topology spread constraints (missing required label)"],
  unresolvable: true,
};

/** What a pod's affinity and tolerations say of a node. */
export interface NodeEligibility {
  matchesAffinity(slot: number): boolean;
  toleratesTaints(slot: number): boolean;
}

interface Spread {
  readonly constraint: SpreadConstraint;
  readonly topology: TopologyKey;
  readonly pods: SlotCounts;
}

const HOSTNAME = 'kubernetes.io/hostname';

function toSpreads(constraints: readonly SpreadConstraint[], state: ClusterState): Spread[] {
  return constraints.map((constraint) => ({
    constraint,
    topology: state.topology.of(constraint.topologyKey),
    pods: state.counters.count([constraint.pods], 'ignored'),
  }));
}

const hasAllKeys = (spreads: readonly Spread[], slot: number): boolean =>
  spreads.every(({ topology }) => topology.domainOf(slot) !== -1);

function isCounted({ constraint }: Spread, eligibility: NodeEligibility, slot: number): boolean {
  if (constraint.honorsAffinity && !eligibility.matchesAffinity(slot)) return false;
  return !constraint.honorsTaints || eligibility.toleratesTaints(slot);
}

interface DomainCounts extends Spread {
  readonly counts: Float64Array;
  /** The most pods a domain may hold after this one came. */
  readonly limit: number;
}

function countDomains(
  spread: Spread,
  all: readonly Spread[],
  state: ClusterState,
  eligibility: NodeEligibility,
): DomainCounts {
  const { constraint, topology, pods } = spread;
  const counts = new Float64Array(topology.domainsEnd).fill(-1);
  let domains = 0;
  for (let slot = 0; slot < state.nodes.slotsEnd; slot++) {
    const domain = topology.domainOf(slot);
    if (domain === -1 || !hasAllKeys(all, slot) || !isCounted(spread, eligibility, slot)) continue;
    if (counts[domain] === -1) {
      counts[domain] = 0;
      domains += 1;
    }
    counts[domain]! += pods.at(slot);
  }
  let least = domains === 0 ? 0 : Number.POSITIVE_INFINITY;
  if (domains < constraint.minDomains) least = 0;
  else for (const count of counts) if (count !== -1 && count < least) least = count;
  return { ...spread, counts, limit: constraint.maxSkew + least };
}

/** The filter for one pod as things stand; undefined when it has no hard constraint. */
export function preparePodTopologySpreadFilter(
  { hard }: SpreadConstraints,
  state: ClusterState,
  eligibility: NodeEligibility,
): ((slot: number) => Rejection | undefined) | undefined {
  if (hard.length === 0) return undefined;
  const spreads = toSpreads(hard, state);
  const domains = spreads.map((spread) => countDomains(spread, spreads, state, eligibility));
  return (slot) => {
    for (const { constraint, topology, counts, limit } of domains) {
      const domain = topology.domainOf(slot);
      if (domain === -1) return missingLabelRejection;
      const here = Math.max(0, counts[domain] ?? 0);
      if (here + (constraint.countsItself ? 1 : 0) > limit) return skewRejection;
    }
    return undefined;
  };
}

interface SoftSpread extends Spread {
  /** By domain; empty for hostnames, whose counts are those of the nodes themselves. */
  readonly counts: Float64Array;
  readonly weight: number;
}

function prepareSoftSpread(
  spread: Spread,
  all: readonly Spread[],
  feasible: readonly number[],
  needAllKeys: boolean,
  state: ClusterState,
  eligibility: NodeEligibility,
): SoftSpread {
  const { constraint, topology, pods } = spread;
  const takesPart = (slot: number): boolean => !needAllKeys || hasAllKeys(all, slot);
  if (constraint.topologyKey === HOSTNAME) {
    const hosts = feasible.filter(takesPart).length;
    return { ...spread, counts: new Float64Array(0), weight: Math.log(hosts + 2) };
  }
  const counts = new Float64Array(topology.domainsEnd).fill(-1);
  let domains = 0;
  for (const slot of feasible) {
    const domain = topology.domainOf(slot);
    if (domain === -1 || counts[domain] !== -1 || !takesPart(slot)) continue;
    counts[domain] = 0;
    domains += 1;
  }
  if (pods.total > 0) {
    for (let slot = 0; slot < state.nodes.slotsEnd; slot++) {
      const here = pods.at(slot);
      if (here === 0) continue;
      const domain = topology.domainOf(slot);
      if (domain === -1 || counts[domain] === -1 || !takesPart(slot) || !isCounted(spread, eligibility, slot)) continue;
      counts[domain]! += here;
    }
  }
  return { ...spread, counts, weight: Math.log(domains + 2) };
}

/**
 * Scores of the feasible nodes, in their order, from 0 to 100: the fewer like pods in a node's domains the better.
 * Undefined when the pod has no soft constraint.
 */
export function scorePodTopologySpread(
  { soft, needAllKeys }: SpreadConstraints,
  state: ClusterState,
  eligibility: NodeEligibility,
  feasible: readonly number[],
): Float64Array | undefined {
  if (soft.length === 0) return undefined;
  const all = toSpreads(soft, state);
  const spreads = all.map((spread) => prepareSoftSpread(spread, all, feasible, needAllKeys, state, eligibility));
  const scores = new Float64Array(feasible.length);
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (let at = 0; at < feasible.length; at++) {
    const slot = feasible[at]!;
    if (needAllKeys && !hasAllKeys(all, slot)) {
      scores[at] = -1;
      continue;
    }
    let sum = 0;
    for (const { constraint, topology, counts, weight, pods } of spreads) {
      const domain = topology.domainOf(slot);
      if (domain === -1) continue;
      const here = constraint.topologyKey === HOSTNAME ? pods.at(slot) : counts[domain]!;
      sum += here * weight + (constraint.maxSkew - 1);
    }
    const score = Math.round(sum);
    scores[at] = score;
    if (score < least) least = score;
    if (score > most) most = score;
  }
  for (let at = 0; at < scores.length; at++) {
    const score = scores[at]!;
    if (score === -1) scores[at] = 0;
    else scores[at] = most === 0 ? SCORE_MAX : Math.floor((SCORE_MAX * (most + least - score)) / most);
  }
  return scores;
}
