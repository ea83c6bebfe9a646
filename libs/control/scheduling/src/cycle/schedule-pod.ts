/** One scheduling cycle: filters all nodes, scores the feasible ones, picks the best; among equals chance decides. */
import type { Pod } from '@periplus/api/kinds';
import type { LabelSelector } from '@periplus/api/meta';
import type { Random } from '@periplus/base/clock';
import { scoreInterPodAffinity } from '../plugins/inter-pod-affinity.js';
import { conflictingTermsRejection, notNamedRejection } from '../plugins/node-affinity.js';
import { type PluginName, type Rejection, SCORE_MAX, SCORE_WEIGHTS } from '../plugins/plugin.js';
import { scorePodTopologySpread } from '../plugins/pod-topology-spread.js';
import { toSpreadConstraints } from '../plugins/spread-constraints.js';
import type { PodInfo } from '../pod/pod-info.js';
import { toPodShape } from '../pod/pod-shape.js';
import type { ClusterState } from '../state/cluster-state.js';
import { createDiagnosis, formatFitError, NO_NODES } from './fit-error.js';
import { type Candidate, checkWithNominated, type NodeCheck, prepareNodeCheck } from './node-check.js';
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
      readonly rejections: ReadonlyMap<number, Rejection>;
    };

export function toCandidate(pod: PodInfo, context: SchedulingContext): Candidate {
  const { shape, onlyNodes } = toPodShape(pod);
  const view = context.views.of(shape);
  const { nodes } = context.state;
  const spread = toSpreadConstraints(pod.pod, context.defaultSpreadSelector);
  const eligibility =
    onlyNodes === undefined
      ? view
      : {
          matchesAffinity: (slot: number) => onlyNodes.has(nodes.at(slot).name) && view.matchesAffinity(slot),
          toleratesTaints: view.toleratesTaints,
        };
  return { pod, view, spread, onlyNodes, eligibility };
}

function* slotsFor({ onlyNodes }: Candidate, { nodes }: ClusterState): Iterable<number> {
  if (onlyNodes === undefined) {
    for (let slot = 0; slot < nodes.slotsEnd; slot++) if (nodes.isAlive(slot)) yield slot;
    return;
  }
  for (const name of onlyNodes) {
    const slot = nodes.slotOf(name);
    if (slot !== undefined && nodes.isAlive(slot)) yield slot;
  }
}

/** The check of any node, with the room that nominated pods were promised. */
function prepareFullCheck(candidate: Candidate, { state, nominations }: SchedulingContext): NodeCheck {
  const check = prepareNodeCheck(candidate, state);
  if (nominations.size === 0) return check;
  return (slot) =>
    check(slot) ??
    (nominations.has(state.nodes.at(slot).name) ? checkWithNominated(candidate, state, nominations, slot) : undefined);
}

/** Adds `raw` scaled to 0…100 by the largest of them, times the weight; upside down when less is better. */
function addScaled(
  totals: Float64Array,
  feasible: readonly number[],
  rawAt: (slot: number) => number,
  weight: number,
  lessIsBetter: boolean,
): void {
  let most = 0;
  for (const slot of feasible) most = Math.max(most, rawAt(slot));
  if (most === 0) return;
  for (let at = 0; at < feasible.length; at++) {
    const scaled = Math.floor((SCORE_MAX * rawAt(feasible[at]!)) / most);
    totals[at]! += weight * (lessIsBetter ? SCORE_MAX - scaled : scaled);
  }
}

function addScores(totals: Float64Array, scores: Float64Array | undefined, weight: number): void {
  if (scores === undefined) return;
  for (let at = 0; at < totals.length; at++) totals[at]! += weight * scores[at]!;
}

function scoreNodes(
  { pod, view, spread, eligibility }: Candidate,
  state: ClusterState,
  feasible: number[],
): Float64Array {
  const totals = new Float64Array(feasible.length);
  for (let at = 0; at < feasible.length; at++) totals[at] = view.ownScoreAt(feasible[at]!);
  addScaled(totals, feasible, view.softTaintsAt, SCORE_WEIGHTS.TaintToleration, true);
  addScaled(totals, feasible, view.preferredTermsAt, SCORE_WEIGHTS.NodeAffinity, false);
  addScores(totals, scorePodTopologySpread(spread, state, eligibility, feasible), SCORE_WEIGHTS.PodTopologySpread);
  addScores(totals, scoreInterPodAffinity(pod, state, feasible), SCORE_WEIGHTS.InterPodAffinity);
  return totals;
}

function pickBest(feasible: readonly number[], totals: Float64Array, random: Random): number {
  let most = Number.NEGATIVE_INFINITY;
  let best: number[] = [];
  for (let at = 0; at < feasible.length; at++) {
    const total = totals[at]!;
    if (total < most) continue;
    if (total > most) best = [];
    most = total;
    best.push(feasible[at]!);
  }
  return best.length === 1 ? best[0]! : best[Math.floor(random.next() * best.length)]!;
}

function explain(candidate: Candidate, check: NodeCheck, state: ClusterState): CycleResult {
  const { aliveCount } = state.nodes;
  const diagnosis = createDiagnosis();
  const rejections = new Map<number, Rejection>();
  for (const slot of slotsFor(candidate, state)) {
    const rejection = check(slot);
    if (rejection === undefined) continue;
    rejections.set(slot, rejection);
    diagnosis.add(rejection);
  }
  if (rejections.size < aliveCount) diagnosis.add(notNamedRejection, aliveCount - rejections.size);
  const message = formatFitError(aliveCount, diagnosis.format());
  return { kind: 'unfit', message, plugins: diagnosis.plugins, candidate, rejections };
}

/** Pure but for the random choice among equals: nothing is counted as placed. */
export function schedulePod(pod: PodInfo, context: SchedulingContext): CycleResult {
  const { state, nominations, random } = context;
  const candidate = toCandidate(pod, context);
  const { aliveCount } = state.nodes;
  if (aliveCount === 0)
    return { kind: 'unfit', message: NO_NODES, plugins: new Set(), candidate, rejections: new Map() };
  if (candidate.onlyNodes?.size === 0) {
    const message = formatFitError(aliveCount, conflictingTermsRejection.reasons.join(', '));
    return { kind: 'unfit', message, plugins: new Set(['NodeAffinity']), candidate, rejections: new Map() };
  }
  const nominated = nominations.nodeNameOf(pod.uid);
  const promised = nominated === undefined ? undefined : state.nodes.slotOf(nominated);
  if (promised !== undefined && state.nodes.isAlive(promised) && isNamed(candidate, nominated ?? '')) {
    if (checkWithNominated(candidate, state, nominations, promised) === undefined)
      return { kind: 'placed', nodeName: nominated ?? '', feasible: 1 };
  }
  const check = prepareFullCheck(candidate, context);
  const feasible: number[] = [];
  for (const slot of slotsFor(candidate, state)) if (check(slot) === undefined) feasible.push(slot);
  if (feasible.length === 0) return explain(candidate, check, state);
  const chosen =
    feasible.length === 1 ? feasible[0]! : pickBest(feasible, scoreNodes(candidate, state, feasible), random);
  return { kind: 'placed', nodeName: state.nodes.at(chosen).name, feasible: feasible.length };
}

const isNamed = ({ onlyNodes }: Candidate, nodeName: string): boolean =>
  onlyNodes === undefined || onlyNodes.has(nodeName);
