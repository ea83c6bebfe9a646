/** Whether one node takes a pod as things stand now: all filters, in upstream's order. */
import { prepareInterPodAffinityFilter } from '../plugins/inter-pod-affinity.js';
import type { Rejection } from '../plugins/plugin.js';
import { type NodeEligibility, preparePodTopologySpreadFilter } from '../plugins/pod-topology-spread.js';
import type { SpreadConstraints } from '../plugins/spread-constraints.js';
import type { PodInfo } from '../pod/pod-info.js';
import type { ClusterState } from '../state/cluster-state.js';
import type { Nominations } from './nominations.js';
import type { ShapeView } from './shape-view.js';

/** A pending pod with what was worked out about it for this cycle. */
export interface Candidate {
  readonly pod: PodInfo;
  readonly view: ShapeView;
  readonly spread: SpreadConstraints;
  /** The only nodes it may go to; undefined: any. */
  readonly onlyNodes: ReadonlySet<string> | undefined;
}

/** What the pod's affinity and tolerations say of all nodes now. */
export function eligibilityOf({ view, onlyNodes }: Candidate, { nodes }: ClusterState): NodeEligibility {
  const { matchesAffinity, toleratesTaints } = view.refresh();
  const { selector, required } = view.shape.nodeRules;
  if (onlyNodes === undefined) {
    const restricted = selector !== undefined || required !== undefined;
    return { matchesAffinity: restricted ? matchesAffinity : undefined, toleratesTaints };
  }
  const named = new Uint8Array(matchesAffinity.length);
  for (const name of onlyNodes) {
    const slot = nodes.slotOf(name);
    if (slot !== undefined) named[slot] = matchesAffinity[slot]!;
  }
  return { matchesAffinity: named, toleratesTaints };
}

/** Undefined: the node takes the pod. */
export type NodeCheck = (slot: number) => Rejection | undefined;

/** The filters that look beyond a single node; undefined when none has anything to say. Good until the state changes. */
export function prepareTopologyCheck(candidate: Candidate, state: ClusterState): NodeCheck | undefined {
  const { pod, spread } = candidate;
  const topologySpread =
    spread.hard.length === 0
      ? undefined
      : preparePodTopologySpreadFilter(spread, state, eligibilityOf(candidate, state));
  const interPodAffinity = prepareInterPodAffinityFilter(pod, state);
  if (topologySpread === undefined) return interPodAffinity;
  if (interPodAffinity === undefined) return topologySpread;
  return (slot) => topologySpread(slot) ?? interPodAffinity(slot);
}

/** All filters on one node. */
function checkNode(candidate: Candidate, state: ClusterState, slot: number): Rejection | undefined {
  return candidate.view.rejectionAt(slot) ?? prepareTopologyCheck(candidate, state)?.(slot);
}

/** The nominated pods that a pod must leave room for on a node. */
function respected(pod: PodInfo, nominations: Nominations, nodeName: string): readonly PodInfo[] {
  return nominations
    .on(nodeName)
    .filter((nominated) => nominated.uid !== pod.uid && nominated.priority >= pod.priority);
}

/**
 * The check of one node with its nominated pods taken as placed there, and without them: the pod must fit both ways, since
 * it may lean on none of them and be in the way of none. The state is as before afterwards.
 */
export function checkWithNominated(
  candidate: Candidate,
  state: ClusterState,
  nominations: Nominations,
  slot: number,
): Rejection | undefined {
  const { name } = state.nodes.at(slot);
  const placed = respected(candidate.pod, nominations, name).filter(({ uid }) => state.nodeNameOf(uid) === undefined);
  if (placed.length > 0) {
    for (const nominated of placed) state.addPod(name, nominated);
    const rejection = checkNode(candidate, state, slot);
    for (const { uid } of placed) state.removePod(uid);
    if (rejection !== undefined) return rejection;
  }
  return checkNode(candidate, state, slot);
}
