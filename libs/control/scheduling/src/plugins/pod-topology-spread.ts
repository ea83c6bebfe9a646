/**
 * PodTopologySpread: keeps the numbers of like pods even over the domains of a topology.
 *
 * Example: zones a, b and c hold 3, 1 and 1 pods, maxSkew is 1. One more in a would be 4 against a minimum of 1: refused.
 * In b it would be 2 against 1: allowed.
 */
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

/** What a pod's affinity and tolerations say of each slot's node: 1 where they let it in. */
export interface NodeEligibility {
  /** Undefined: everywhere. */
  readonly matchesAffinity: Uint8Array | undefined;
  readonly toleratesTaints: Uint8Array;
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

const keysOf = (spreads: readonly Spread[]): TopologyKey[] => spreads.map(({ topology }) => topology);

/** 1 for the nodes that take part in a constraint: those that have the labels of all, and that its policies let in. */
function participants(
  { constraint }: Spread,
  keys: readonly TopologyKey[],
  { matchesAffinity, toleratesTaints }: NodeEligibility,
  end: number,
): Uint8Array {
  const mask = new Uint8Array(end).fill(1);
  for (const { domains } of keys) for (let slot = 0; slot < end; slot++) if (domains[slot]! < 0) mask[slot] = 0;
  if (constraint.honorsAffinity && matchesAffinity !== undefined)
    for (let slot = 0; slot < end; slot++) mask[slot]! &= matchesAffinity[slot]!;
  if (constraint.honorsTaints) for (let slot = 0; slot < end; slot++) mask[slot]! &= toleratesTaints[slot]!;
  return mask;
}

interface DomainCounts {
  readonly constraint: SpreadConstraint;
  readonly domains: Int32Array;
  /** By domain; -1 for those that take no part. */
  readonly counts: Float64Array;
  /** The most pods a domain may hold after this one came. */
  readonly limit: number;
}

function countDomains(
  spread: Spread,
  keys: readonly TopologyKey[],
  end: number,
  eligibility: NodeEligibility,
): DomainCounts {
  const { constraint, topology } = spread;
  const { domains } = topology;
  const mask = participants(spread, keys, eligibility, end);
  const pods = spread.pods.upTo(end);
  const counts = new Float64Array(topology.domainsEnd).fill(-1);
  let taking = 0;
  for (let slot = 0; slot < end; slot++) {
    if (mask[slot] === 0) continue;
    const domain = domains[slot]!;
    if (counts[domain] === -1) {
      counts[domain] = 0;
      taking += 1;
    }
    counts[domain]! += pods[slot]!;
  }
  let least = taking === 0 ? 0 : Number.POSITIVE_INFINITY;
  if (taking < constraint.minDomains) least = 0;
  else for (const count of counts) if (count !== -1 && count < least) least = count;
  return { constraint, domains, counts, limit: constraint.maxSkew + least };
}

/** The filter for one pod as things stand; undefined when it has no hard constraint. */
export function preparePodTopologySpreadFilter(
  { hard }: SpreadConstraints,
  state: ClusterState,
  eligibility: NodeEligibility,
): ((slot: number) => Rejection | undefined) | undefined {
  if (hard.length === 0) return undefined;
  const spreads = toSpreads(hard, state);
  const keys = keysOf(spreads);
  const counted = spreads.map((spread) => countDomains(spread, keys, state.nodes.slotsEnd, eligibility));
  return (slot) => {
    for (const { constraint, domains, counts, limit } of counted) {
      const domain = domains[slot]!;
      if (domain === -1) return missingLabelRejection;
      const here = Math.max(0, counts[domain]!);
      if (here + (constraint.countsItself ? 1 : 0) > limit) return skewRejection;
    }
    return undefined;
  };
}

/** A node scores the count of its domain times the weight, and the base. */
interface SoftSpread {
  readonly domains: Int32Array;
  readonly counts: Float64Array;
  readonly weight: number;
  readonly base: number;
}

/** @param taking the feasible nodes that take part. */
function prepareSoftSpread(
  spread: Spread,
  keys: readonly TopologyKey[],
  taking: readonly number[],
  end: number,
  eligibility: NodeEligibility,
): SoftSpread {
  const { constraint, topology } = spread;
  const { domains } = topology;
  const base = constraint.maxSkew - 1;
  const pods = spread.pods.upTo(end);
  const counts = new Float64Array(topology.domainsEnd).fill(-1);
  if (constraint.topologyKey === HOSTNAME) {
    for (const slot of taking) if (domains[slot]! >= 0) counts[domains[slot]!] = pods[slot]!;
    return { domains, counts, base, weight: Math.log(taking.length + 2) };
  }
  let present = 0;
  for (const slot of taking) {
    const domain = domains[slot]!;
    if (domain < 0 || counts[domain] !== -1) continue;
    counts[domain] = 0;
    present += 1;
  }
  if (spread.pods.total > 0) {
    const mask = participants(spread, keys, eligibility, end);
    for (let slot = 0; slot < end; slot++) {
      const here = pods[slot]!;
      if (here === 0 || mask[slot] === 0) continue;
      const domain = domains[slot]!;
      if (domain >= 0 && counts[domain] !== -1) counts[domain]! += here;
    }
  }
  return { domains, counts, base, weight: Math.log(present + 2) };
}

/** Turned round, from 0 to 100; -1 becomes 0. */
function normalize(scores: Float64Array): Float64Array {
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (const score of scores) {
    if (score === -1) continue;
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
  const end = state.nodes.slotsEnd;
  const spreads = toSpreads(soft, state);
  const keys = needAllKeys ? keysOf(spreads) : [];
  const takesPart = (slot: number): boolean => keys.every(({ domains }) => domains[slot]! >= 0);
  const taking = keys.length === 0 ? feasible : feasible.filter(takesPart);
  const scores = new Float64Array(feasible.length);
  for (const spread of spreads) {
    const { domains, counts, weight, base } = prepareSoftSpread(spread, keys, taking, end, eligibility);
    for (let at = 0; at < feasible.length; at++) {
      const domain = domains[feasible[at]!]!;
      if (domain >= 0) scores[at]! += counts[domain]! * weight + base;
    }
  }
  const allTakePart = taking.length === feasible.length;
  for (let at = 0; at < feasible.length; at++)
    scores[at] = allTakePart || takesPart(feasible[at]!) ? Math.round(scores[at]!) : -1;
  return normalize(scores);
}
