/** InterPodAffinity: pods that must, or would rather, be near to or far from others, by their own terms and by those of pods placed before. */
import type { AffinityTerm } from '../pod/affinity-terms.js';
import type { PodInfo } from '../pod/pod-info.js';
import { selectsPod } from '../pod/pod-selector.js';
import type { ClusterState } from '../state/cluster-state.js';
import type { SlotCounts } from '../state/slot-counts.js';
import type { TopologyKey } from '../state/topology.js';
import { type Rejection, SCORE_MAX } from './plugin.js';

const affinityRejection: Rejection = {
  plugin: 'InterPodAffinity',
  reasons: ["node(s) didn't match pod affinity rules"],
  unresolvable: true,
};
const antiAffinityRejection: Rejection = {
  plugin: 'InterPodAffinity',
  reasons: ["node(s) didn't match pod anti-affinity rules"],
  unresolvable: false,
};
const existingRejection: Rejection = {
  plugin: 'InterPodAffinity',
  reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"],
  unresolvable: false,
};

/** How much a placed pod's required affinity draws the pods it means. */
const HARD_AFFINITY_WEIGHT = 1;

/** A topology with a number for each of its domains. */
interface DomainSums {
  readonly topology: TopologyKey;
  readonly sums: Float64Array;
}

/** True when there was something to add. */
function addCounts({ topology, sums }: DomainSums, counts: SlotCounts, weight: number, end: number): boolean {
  if (counts.total === 0) return false;
  const bySlot = counts.upTo(end);
  const { domains } = topology;
  let any = false;
  for (let slot = 0; slot < end; slot++) {
    const here = bySlot[slot]!;
    if (here === 0 || domains[slot]! < 0) continue;
    sums[domains[slot]!]! += here * weight;
    any = true;
  }
  return any;
}

function createSums(state: ClusterState, key: string): DomainSums {
  const topology = state.topology.of(key);
  return { topology, sums: new Float64Array(topology.domainsEnd) };
}

/** Sums by topology key, so that terms over the same key share one. */
function sumsFor(byKey: Map<string, DomainSums>, state: ClusterState, key: string): DomainSums {
  let found = byKey.get(key);
  if (found === undefined) byKey.set(key, (found = createSums(state, key)));
  return found;
}

type SlotTest = (slot: number) => boolean;

const isAbove = ({ topology, sums }: DomainSums, slot: number): boolean => {
  const domain = topology.domains[slot]!;
  return domain >= 0 && sums[domain]! > 0;
};

/** Pods that match every term must be in the node's domain of each; the first of a group that is near only to itself may go anywhere. */
function prepareAffinity(pod: PodInfo, state: ClusterState): SlotTest | undefined {
  const terms = pod.terms.requiredAffinity;
  if (terms.length === 0) return undefined;
  const selectors = terms.map((term) => term.pods);
  const counts = state.counters.count(selectors, 'counted');
  let anywhere = false;
  const sums = terms.map(({ topologyKey }) => {
    const found = createSums(state, topologyKey);
    if (addCounts(found, counts, 1, state.nodes.slotsEnd)) anywhere = true;
    return found;
  });
  const isFirst =
    !anywhere && selectors.every((selector) => selectsPod(selector, pod.namespace, pod.labels, state.namespaceLabels));
  return isFirst
    ? (slot) => sums.every(({ topology }) => topology.domains[slot]! >= 0)
    : (slot) => sums.every((sum) => isAbove(sum, slot));
}

function prepareAntiAffinity(pod: PodInfo, state: ClusterState): SlotTest | undefined {
  const terms = pod.terms.requiredAntiAffinity;
  if (terms.length === 0) return undefined;
  const byKey = new Map<string, DomainSums>();
  for (const { pods, topologyKey } of terms) {
    const counts = state.counters.count([pods], 'counted');
    addCounts(sumsFor(byKey, state, topologyKey), counts, 1, state.nodes.slotsEnd);
  }
  const sums = [...byKey.values()];
  return (slot) => !sums.some((sum) => isAbove(sum, slot));
}

function prepareExisting(pod: PodInfo, state: ClusterState): SlotTest | undefined {
  const byKey = new Map<string, DomainSums>();
  for (const { kind, term, owners } of state.termOwners.meaning(pod))
    if (kind === 'requiredAntiAffinity')
      addCounts(sumsFor(byKey, state, term.topologyKey), owners, 1, state.nodes.slotsEnd);
  if (byKey.size === 0) return undefined;
  const sums = [...byKey.values()];
  return (slot) => !sums.some((sum) => isAbove(sum, slot));
}

/** The filter for one pod as things stand; undefined when no term touches it. */
export function prepareInterPodAffinityFilter(
  pod: PodInfo,
  state: ClusterState,
): ((slot: number) => Rejection | undefined) | undefined {
  const affinity = prepareAffinity(pod, state);
  const antiAffinity = prepareAntiAffinity(pod, state);
  const existing = prepareExisting(pod, state);
  if (affinity === undefined && antiAffinity === undefined && existing === undefined) return undefined;
  return (slot) => {
    if (affinity !== undefined && !affinity(slot)) return affinityRejection;
    if (antiAffinity !== undefined && !antiAffinity(slot)) return antiAffinityRejection;
    if (existing !== undefined && !existing(slot)) return existingRejection;
    return undefined;
  };
}

function sumPreferences(pod: PodInfo, state: ClusterState): DomainSums[] {
  const byKey = new Map<string, DomainSums>();
  const { slotsEnd } = state.nodes;
  const addOwn = (terms: readonly AffinityTerm[], sign: 1 | -1): void => {
    for (const { pods, topologyKey, weight } of terms) {
      const counts = state.counters.count([pods], 'counted');
      addCounts(sumsFor(byKey, state, topologyKey), counts, sign * weight, slotsEnd);
    }
  };
  addOwn(pod.terms.preferredAffinity, 1);
  addOwn(pod.terms.preferredAntiAffinity, -1);
  for (const { kind, term, owners } of state.termOwners.meaning(pod)) {
    const weight = {
      requiredAffinity: HARD_AFFINITY_WEIGHT,
      requiredAntiAffinity: 0,
      preferredAffinity: term.weight,
      preferredAntiAffinity: -term.weight,
    }[kind];
    if (weight !== 0) addCounts(sumsFor(byKey, state, term.topologyKey), owners, weight, slotsEnd);
  }
  return [...byKey.values()];
}

/** Stretched so that the least is 0 and the most 100; all 0 when they are equal. */
function normalize(scores: Float64Array): Float64Array {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const score of scores) {
    if (score < least) least = score;
    if (score > most) most = score;
  }
  const range = most - least;
  for (let at = 0; at < scores.length; at++)
    scores[at] = range > 0 ? Math.floor((SCORE_MAX * (scores[at]! - least)) / range) : 0;
  return scores;
}

/** Scores of the feasible nodes, in their order, from 0 to 100. Undefined when no preference touches the pod. */
export function scoreInterPodAffinity(
  pod: PodInfo,
  state: ClusterState,
  feasible: readonly number[],
): Float64Array | undefined {
  const preferences = sumPreferences(pod, state);
  if (preferences.length === 0) return undefined;
  const scores = new Float64Array(feasible.length);
  for (const { topology, sums } of preferences) {
    const { domains } = topology;
    for (let at = 0; at < feasible.length; at++) {
      const domain = domains[feasible[at]!]!;
      if (domain >= 0) scores[at]! += sums[domain]!;
    }
  }
  return normalize(scores);
}
