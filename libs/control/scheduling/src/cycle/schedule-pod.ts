/** One scheduling cycle: filters all nodes, scores the feasible ones, picks the best; among equals chance decides. */
import type { Pod } from '@periplus/api/kinds';
import type { LabelSelector } from '@periplus/api/meta';
import type { Random } from '@periplus/base/clock';
import { AssertionError } from '@periplus/base/stdx';
import { scoreInterPodAffinity } from '../plugins/inter-pod-affinity.js';
import { conflictingTermsRejection, notNamedRejection } from '../plugins/node-affinity.js';
import { type PluginName, type Rejection, SCORE_MAX, SCORE_WEIGHTS } from '../plugins/plugin.js';
import { scorePodTopologySpread } from '../plugins/pod-topology-spread.js';
import { toSpreadConstraints } from '../plugins/spread-constraints.js';
import type { PodInfo } from '../pod/pod-info.js';
import { toPodShape } from '../pod/pod-shape.js';
import type { ClusterState } from '../state/cluster-state.js';
import { createDiagnosis, formatFitError, NO_NODES } from './fit-error.js';
import {
  type Candidate,
  checkWithNominated,
  eligibilityOf,
  type NodeCheck,
  prepareTopologyCheck,
} from './node-check.js';
import type { Nominations } from './nominations.js';
import type { ShapeViews } from './shape-views.js';

/** All a cycle works with. */
export interface SchedulingContext {
  readonly state: ClusterState;
  readonly views: ShapeViews;
  readonly nominations: Nominations;
  readonly random: Random;
  /** The pods that one without spread constraints is spread from; undefined: none. */
  defaultSpreadSelector(pod: Pod): LabelSelector | undefined;
}

/** Why the pod fits no node, by slot. */
export type Rejections = readonly (Rejection | undefined)[];

export type CycleResult =
  /** The pod should go there. Nothing is counted yet. */
  | { readonly kind: 'placed'; readonly nodeName: string; readonly feasible: number }
  /** No node takes it now. */
  | {
      readonly kind: 'unfit';
      readonly message: string;
      /** Those that turned nodes down: only their causes can help. */
      readonly plugins: ReadonlySet<PluginName>;
      readonly candidate: Candidate;
      /** By slot; nodes outside those the pod names have none. */
      readonly rejections: Rejections;
    };

function toCandidate(pod: PodInfo, { views, defaultSpreadSelector }: SchedulingContext): Candidate {
  const { shape, onlyNodes } = toPodShape(pod);
  return { pod, view: views.of(shape), spread: toSpreadConstraints(pod.pod, defaultSpreadSelector), onlyNodes };
}

/** The nodes that a pod which names some may look at. */
function namedSlots(names: ReadonlySet<string>, { nodes }: ClusterState): number[] {
  const slots: number[] = [];
  for (const name of names) {
    const slot = nodes.slotOf(name);
    if (slot !== undefined && nodes.isAlive(slot)) slots.push(slot);
  }
  return slots;
}

function aliveSlots({ nodes }: ClusterState): number[] {
  const slots: number[] = [];
  const end = nodes.slotsEnd;
  for (let slot = 0; slot < end; slot++) if (nodes.isAlive(slot)) slots.push(slot);
  return slots;
}

/** The slots whose nodes pass the filters that look at one node alone. */
function fittingSlots({ view, onlyNodes }: Candidate, state: ClusterState): number[] {
  if (onlyNodes !== undefined)
    return namedSlots(onlyNodes, state).filter((slot) => view.rejectionAt(slot) === undefined);
  const { fits } = view.refresh();
  const slots: number[] = [];
  const end = state.nodes.slotsEnd;
  for (let slot = 0; slot < end; slot++) if (fits[slot] === 1) slots.push(slot);
  return slots;
}

/** Besides the filters of single nodes: topology, and the room that nominated pods were promised. */
function prepareFurtherCheck(candidate: Candidate, { state, nominations }: SchedulingContext): NodeCheck | undefined {
  const topology = prepareTopologyCheck(candidate, state);
  if (nominations.size === 0) return topology;
  return (slot) =>
    topology?.(slot) ??
    (nominations.has(state.nodes.at(slot).name) ? checkWithNominated(candidate, state, nominations, slot) : undefined);
}

/** Adds the column scaled to 0…100 by its largest value, times the weight; upside down when less is better. */
function addScaled(
  totals: Float64Array,
  feasible: readonly number[],
  column: Float64Array,
  weight: number,
  lessIsBetter: boolean,
): void {
  let most = 0;
  for (const slot of feasible) most = Math.max(most, column[slot]!);
  if (most === 0) return;
  for (let at = 0; at < feasible.length; at++) {
    const scaled = Math.floor((SCORE_MAX * column[feasible[at]!]!) / most);
    totals[at]! += weight * (lessIsBetter ? SCORE_MAX - scaled : scaled);
  }
}

function addScores(totals: Float64Array, scores: Float64Array | undefined, weight: number): void {
  if (scores === undefined) return;
  for (let at = 0; at < totals.length; at++) totals[at]! += weight * scores[at]!;
}

function scoreNodes(candidate: Candidate, state: ClusterState, feasible: readonly number[]): Float64Array {
  const { pod, view, spread } = candidate;
  const { ownScores, softTaints, preferredTerms } = view.refresh();
  const totals = new Float64Array(feasible.length);
  for (let at = 0; at < feasible.length; at++) totals[at] = ownScores[feasible[at]!]!;
  if (state.nodes.softTaintedCount > 0) addScaled(totals, feasible, softTaints, SCORE_WEIGHTS.TaintToleration, true);
  if (view.shape.nodeRules.preferred.length > 0)
    addScaled(totals, feasible, preferredTerms, SCORE_WEIGHTS.NodeAffinity, false);
  if (spread.soft.length > 0) {
    const scores = scorePodTopologySpread(spread, state, eligibilityOf(candidate, state), feasible);
    addScores(totals, scores, SCORE_WEIGHTS.PodTopologySpread);
  }
  addScores(totals, scoreInterPodAffinity(pod, state, feasible), SCORE_WEIGHTS.InterPodAffinity);
  return totals;
}

function pickBest(feasible: readonly number[], totals: Float64Array, random: Random): number {
  let most = Number.NEGATIVE_INFINITY;
  let equals = 0;
  for (const total of totals) {
    if (total > most) {
      most = total;
      equals = 1;
    } else if (total === most) equals += 1;
  }
  let skipped = equals === 1 ? 0 : Math.floor(random.next() * equals);
  for (let at = 0; at < totals.length; at++) {
    if (totals[at] !== most) continue;
    if (skipped === 0) return feasible[at]!;
    skipped -= 1;
  }
  throw new AssertionError('the best node is among the feasible ones');
}

function explain(candidate: Candidate, further: NodeCheck | undefined, state: ClusterState): CycleResult {
  const { aliveCount } = state.nodes;
  const diagnosis = createDiagnosis();
  const rejections: (Rejection | undefined)[] = [];
  let rejected = 0;
  const slots = candidate.onlyNodes === undefined ? aliveSlots(state) : namedSlots(candidate.onlyNodes, state);
  for (const slot of slots) {
    const rejection = candidate.view.rejectionAt(slot) ?? further?.(slot);
    if (rejection === undefined) continue;
    rejections[slot] = rejection;
    rejected += 1;
    diagnosis.add(rejection);
  }
  if (rejected < aliveCount) diagnosis.add(notNamedRejection, aliveCount - rejected);
  const message = formatFitError(aliveCount, diagnosis.format());
  return { kind: 'unfit', message, plugins: diagnosis.plugins, candidate, rejections };
}

/** The slot of the node that the pod was promised, if it would take it now. */
function promisedSlot(candidate: Candidate, { state, nominations }: SchedulingContext): number | undefined {
  const name = nominations.nodeNameOf(candidate.pod.uid);
  if (name === undefined || candidate.onlyNodes?.has(name) === false) return undefined;
  const slot = state.nodes.slotOf(name);
  if (slot === undefined || !state.nodes.isAlive(slot)) return undefined;
  return checkWithNominated(candidate, state, nominations, slot) === undefined ? slot : undefined;
}

/** Pure but for the random choice among equals: nothing is counted as placed. */
export function schedulePod(pod: PodInfo, context: SchedulingContext): CycleResult {
  const { state, random } = context;
  const candidate = toCandidate(pod, context);
  const { aliveCount } = state.nodes;
  if (aliveCount === 0) return { kind: 'unfit', message: NO_NODES, plugins: new Set(), candidate, rejections: [] };
  if (candidate.onlyNodes?.size === 0) {
    const message = formatFitError(aliveCount, conflictingTermsRejection.reasons.join(', '));
    return { kind: 'unfit', message, plugins: new Set(['NodeAffinity']), candidate, rejections: [] };
  }
  const placedOn = (slot: number, feasible: number): CycleResult => ({
    kind: 'placed',
    nodeName: state.nodes.at(slot).name,
    feasible,
  });
  const promised = promisedSlot(candidate, context);
  if (promised !== undefined) return placedOn(promised, 1);
  const fitting = fittingSlots(candidate, state);
  const further = fitting.length === 0 ? undefined : prepareFurtherCheck(candidate, context);
  const feasible = further === undefined ? fitting : fitting.filter((slot) => further(slot) === undefined);
  if (feasible.length === 0) return explain(candidate, further, state);
  if (feasible.length === 1) return placedOn(feasible[0]!, 1);
  return placedOn(pickBest(feasible, scoreNodes(candidate, state, feasible), random), feasible.length);
}
