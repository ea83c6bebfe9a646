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

function addCounts({ topology, sums }: DomainSums, counts: SlotCounts, weight: number, slotsEnd: number): boolean {
  let any = false;
  if (counts.total === 0) return any;
  for (let slot = 0; slot < slotsEnd; slot++) {
    const here = counts.at(slot);
    const domain = here === 0 ? -1 : topology.domainOf(slot);
    if (domain === -1) continue;
    sums[domain]! += here * weight;
    any = true;
  }
  return any;
}

/** Sums by topology key, so that terms over the same key share one. */
function createSumsByKey(state: ClusterState): {
  of(key: string): DomainSums;
  values(): IterableIterator<DomainSums>;
} {
  const byKey = new Map<string, DomainSums>();
  return {
    of(key) {
      let found = byKey.get(key);
      if (found === undefined) {
        const topology = state.topology.of(key);
        found = { topology, sums: new Float64Array(topology.domainsEnd) };
        byKey.set(key, found);
      }
      return found;
    },
    values: () => byKey.values(),
  };
}

type SlotTest = (slot: number) => boolean;

const isAbove = ({ topology, sums }: DomainSums, slot: number): boolean => {
  const domain = topology.domainOf(slot);
  return domain !== -1 && sums[domain]! > 0;
};

/** Pods that match every term must be in the node's domain of each; the first of a group that is near only to itself may go anywhere. */
function prepareAffinity(pod: PodInfo, state: ClusterState): SlotTest | undefined {
  const terms = pod.terms.requiredAffinity;
  if (terms.length === 0) return undefined;
  const counts = state.counters.count(
    terms.map((term) => term.pods),
    'counted',
  );
  let anywhere = false;
  const sums = terms.map(({ topologyKey }) => {
    const topology = state.topology.of(topologyKey);
    const found = { topology, sums: new Float64Array(topology.domainsEnd) };
    if (addCounts(found, counts, 1, state.nodes.slotsEnd)) anywhere = true;
    return found;
  });
  const isFirst =
    !anywhere && terms.every((term) => selectsPod(term.pods, pod.namespace, pod.labels, state.namespaceLabels));
  return (slot) =>
    sums.every(({ topology }) => topology.domainOf(slot) !== -1) &&
    (isFirst || sums.every((sum) => isAbove(sum, slot)));
}

function prepareAntiAffinity(pod: PodInfo, state: ClusterState): SlotTest | undefined {
  const terms = pod.terms.requiredAntiAffinity;
  if (terms.length === 0) return undefined;
  const byKey = createSumsByKey(state);
  for (const { pods, topologyKey } of terms)
    addCounts(byKey.of(topologyKey), state.counters.count([pods], 'counted'), 1, state.nodes.slotsEnd);
  const sums = [...byKey.values()];
  return (slot) => !sums.some((sum) => isAbove(sum, slot));
}

function prepareExisting(pod: PodInfo, state: ClusterState): SlotTest | undefined {
  const byKey = createSumsByKey(state);
  let any = false;
  for (const { kind, term, owners } of state.termOwners.meaning(pod)) {
    if (kind !== 'requiredAntiAffinity') continue;
    any = true;
    addCounts(byKey.of(term.topologyKey), owners, 1, state.nodes.slotsEnd);
  }
  if (!any) return undefined;
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
  const byKey = createSumsByKey(state);
  const { slotsEnd } = state.nodes;
  const addOwn = (terms: readonly AffinityTerm[], sign: 1 | -1): void => {
    for (const { pods, topologyKey, weight } of terms)
      addCounts(byKey.of(topologyKey), state.counters.count([pods], 'counted'), sign * weight, slotsEnd);
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
    if (weight !== 0) addCounts(byKey.of(term.topologyKey), owners, weight, slotsEnd);
  }
  return [...byKey.values()];
}

/** Scores of the feasible nodes, in their order, from 0 to 100. Undefined when no preference touches the pod. */
export function scoreInterPodAffinity(
  pod: PodInfo,
  state: ClusterState,
  feasible: readonly number[],
): Float64Array | undefined {
  const sums = sumPreferences(pod, state);
  if (sums.length === 0) return undefined;
  const scores = new Float64Array(feasible.length);
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < feasible.length; at++) {
    let score = 0;
    for (const { topology, sums: byDomain } of sums) {
      const domain = topology.domainOf(feasible[at]!);
      if (domain !== -1) score += byDomain[domain]!;
    }
    scores[at] = score;
    least = Math.min(least, score);
    most = Math.max(most, score);
  }
  const range = most - least;
  for (let at = 0; at < scores.length; at++)
    scores[at] = range > 0 ? Math.floor((SCORE_MAX * (scores[at]! - least)) / range) : 0;
  return scores;
}
