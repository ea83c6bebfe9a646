/**
 * DefaultPreemption: for a pod that fits nowhere, finds the node where removing the least important pods of lower
 * priority makes it fit.
 *
 * A node is tried by taking its pods of lower priority out of the state and putting back, most important first, each that
 * the pod fits beside; what could not go back are the victims. The state is as before afterwards.
 */
import type { PodDisruptionBudget } from '@periplus/api/kinds';
import type { Rejection } from '../plugins/plugin.js';
import type { PodInfo } from '../pod/pod-info.js';
import { splitByBudget } from './disruption-budgets.js';
import { createDiagnosis, formatFitError } from './fit-error.js';
import { type Candidate, checkWithNominated } from './node-check.js';
import type { Rejections, SchedulingContext } from './schedule-pod.js';

export type PreemptionResult =
  /** The victims are to be deleted and the pod promised the node. */
  | { readonly kind: 'nominate'; readonly nodeName: string; readonly victims: readonly PodInfo[] }
  /** With what to tell the user. */
  | { readonly kind: 'none'; readonly message: string; readonly clearNomination: boolean };

interface Victims {
  readonly slot: number;
  readonly nodeName: string;
  /** Most important first. */
  readonly pods: readonly PodInfo[];
  readonly violations: number;
}

const noVictims: Rejection = {
  plugin: 'DefaultPreemption',
  reasons: ['No preemption victims found for incoming pod'],
  unresolvable: true,
};
const notHelpful: Rejection = {
  plugin: 'DefaultPreemption',
  reasons: ['Preemption is not helpful for scheduling'],
  unresolvable: true,
};

/** Upstream's: so many candidates are enough to choose from. */
const CANDIDATES_MIN = 100;
const CANDIDATES_SHARE = 0.1;

/** Negative when `a` matters more: a higher priority, or longer running. */
const byImportance = (a: PodInfo, b: PodInfo): number =>
  b.priority - a.priority || a.startedMs - b.startedMs || (a.uid < b.uid ? -1 : 1);

/** Undefined: it may preempt. */
function whyNotEligible(
  { pod }: Candidate,
  rejections: Rejections,
  { state, nominations }: SchedulingContext,
): string | undefined {
  if (pod.pod.spec?.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const nominated = nominations.nodeNameOf(pod.uid);
  const slot = nominated === undefined ? undefined : state.nodes.slotOf(nominated);
  if (slot === undefined || rejections[slot]?.unresolvable) return undefined;
  for (const other of state.nodes.at(slot).pods.values())
    if (other.terminating && other.priority < pod.priority && isPreempted(other))
      return 'not eligible due to a terminating pod on the nominated node.';
  return undefined;
}

const isPreempted = ({ pod }: PodInfo): boolean =>
  (pod.status?.conditions ?? []).some(
    ({ type, status, reason }) =>
      type === 'DisruptionTarget' && status === 'True' && reason === 'PreemptionByScheduler',
  );

function findVictims(
  candidate: Candidate,
  slot: number,
  budgets: readonly PodDisruptionBudget[],
  { state, nominations }: SchedulingContext,
): Victims | Rejection {
  const { name, pods } = state.nodes.at(slot);
  const lower = [...pods.values()].filter(({ priority }) => priority < candidate.pod.priority).sort(byImportance);
  if (lower.length === 0) return noVictims;
  const fits = (): Rejection | undefined => checkWithNominated(candidate, state, nominations, slot);
  for (const { uid } of lower) state.removePod(uid);
  const rejection = fits();
  if (rejection !== undefined) {
    for (const pod of lower) state.addPod(name, pod);
    return rejection;
  }
  const { violating, others } = splitByBudget(lower, budgets);
  const victims: PodInfo[] = [];
  let violations = 0;
  for (const [group, costs] of [
    [violating, 1],
    [others, 0],
  ] as const)
    for (const pod of group) {
      state.addPod(name, pod);
      if (fits() === undefined) continue;
      state.removePod(pod.uid);
      victims.push(pod);
      violations += costs;
    }
  for (const pod of victims) state.addPod(name, pod);
  return { slot, nodeName: name, pods: victims.sort(byImportance), violations };
}

const earliestOfMostImportant = ({ pods }: Victims): number => {
  const highest = pods[0]?.priority;
  return Math.min(...pods.filter(({ priority }) => priority === highest).map(({ startedMs }) => startedMs));
};
/** Shifted above zero, so that fewer victims weigh less whatever their priorities. */
const PRIORITY_SHIFT = 2 ** 31;

/** Each decides where those before it leave a tie; the least wins. */
const COSTS: readonly ((victims: Victims) => number)[] = [
  ({ violations }) => violations,
  ({ pods }) => pods[0]?.priority ?? Number.NEGATIVE_INFINITY,
  ({ pods }) => pods.reduce((sum, { priority }) => sum + priority + PRIORITY_SHIFT, 0),
  ({ pods }) => pods.length,
  (victims) => -earliestOfMostImportant(victims),
];

function cheapest(found: readonly Victims[]): Victims | undefined {
  let left = found;
  for (const costOf of COSTS) {
    if (left.length < 2) break;
    const costs = left.map(costOf);
    const least = Math.min(...costs);
    left = left.filter((_victims, at) => costs[at] === least);
  }
  return left[0];
}

/** @param rejections why the pod fits no node, by slot: only where removing pods could help is looked for victims. */
export function planPreemption(
  candidate: Candidate,
  rejections: Rejections,
  budgets: readonly PodDisruptionBudget[],
  context: SchedulingContext,
): PreemptionResult {
  const { state, random } = context;
  const refusal = whyNotEligible(candidate, rejections, context);
  if (refusal !== undefined) return { kind: 'none', message: `preemption: ${refusal}`, clearNomination: false };
  const worthTrying: number[] = [];
  rejections.forEach((rejection, slot) => {
    if (rejection?.unresolvable === false) worthTrying.push(slot);
  });
  const wanted = Math.min(
    worthTrying.length,
    Math.max(CANDIDATES_MIN, Math.floor(worthTrying.length * CANDIDATES_SHARE)),
  );
  const offset = worthTrying.length > wanted ? Math.floor(random.next() * worthTrying.length) : 0;
  const diagnosis = createDiagnosis();
  const found: Victims[] = [];
  let enough = false;
  for (let at = 0; at < worthTrying.length && !enough; at++) {
    const slot = worthTrying[(offset + at) % worthTrying.length]!;
    const victims = findVictims(candidate, slot, budgets, context);
    if ('reasons' in victims) diagnosis.add(victims);
    else {
      found.push(victims);
      enough = found.length >= wanted && found.some(({ violations }) => violations === 0);
    }
  }
  const best = cheapest(found);
  if (best !== undefined) return { kind: 'nominate', nodeName: best.nodeName, victims: best.pods };
  const { aliveCount } = state.nodes;
  if (worthTrying.length < aliveCount) diagnosis.add(notHelpful, aliveCount - worthTrying.length);
  const message = `preemption: ${formatFitError(aliveCount, diagnosis.format())}`;
  return { kind: 'none', message, clearNomination: true };
}
