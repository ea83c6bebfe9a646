/**
 * How the nodes look to the pods of one shape, remembered from pod to pod: what depends on a single node is worked out
 * again only for nodes that changed since, so that the next pod of a Deployment looks anew at one node of thousands.
 */
import type { PodShape } from '../pod/pod-shape.js';
import { scoreImageLocality } from '../plugins/image-locality.js';
import { filterNodeAffinity, sumPreferredTerms } from '../plugins/node-affinity.js';
import { filterNodeName } from '../plugins/node-name.js';
import { filterNodePorts } from '../plugins/node-ports.js';
import { scoreBalancedAllocation } from '../plugins/node-resources-balanced-allocation.js';
import { filterNodeResourcesFit, scoreLeastAllocated } from '../plugins/node-resources-fit.js';
import { filterNodeUnschedulable } from '../plugins/node-unschedulable.js';
import { type Rejection, SCORE_WEIGHTS } from '../plugins/plugin.js';
import type { NodeEligibility } from '../plugins/pod-topology-spread.js';
import { countSoftTaints, filterTaintToleration } from '../plugins/taint-toleration.js';
import type { ClusterState } from '../state/cluster-state.js';
import { growTo } from '../state/node-table.js';

export interface ShapeView extends NodeEligibility {
  readonly shape: PodShape;
  /** By the filters that look at one node alone. Undefined: they let the pod pass. */
  rejectionAt(slot: number): Rejection | undefined;
  /** The weighted sum of the scores that need no comparison with other nodes. Only after `rejectionAt`. */
  ownScoreAt(slot: number): number;
  /** To be compared over the feasible nodes. Only after `rejectionAt`. */
  softTaintsAt(slot: number): number;
  preferredTermsAt(slot: number): number;
}

const MATCHES_AFFINITY = 1;
const TOLERATES_TAINTS = 2;

export function createShapeView(shape: PodShape, state: ClusterState): ShapeView {
  const { nodes, resources } = state;
  let usageSeen = new Float64Array(0);
  let viewSeen = new Float64Array(0);
  let imageSeen = new Float64Array(0);
  let resourceScores = new Float64Array(0);
  let imageScores = new Float64Array(0);
  let softTaints = new Float64Array(0);
  let preferredTerms = new Float64Array(0);
  let eligible = new Float64Array(0);
  const viewRejections: (Rejection | undefined)[] = [];
  const rejections: (Rejection | undefined)[] = [];

  function grow(): void {
    const end = nodes.slotsEnd;
    usageSeen = growTo(usageSeen, end);
    viewSeen = growTo(viewSeen, end);
    imageSeen = growTo(imageSeen, end);
    resourceScores = growTo(resourceScores, end);
    imageScores = growTo(imageScores, end);
    softTaints = growTo(softTaints, end);
    preferredTerms = growTo(preferredTerms, end);
    eligible = growTo(eligible, end);
  }

  /** What the node's object decides. */
  function lookAtNode(slot: number): void {
    viewSeen[slot] = nodes.viewVersion(slot);
    const { view } = nodes.at(slot);
    if (view === undefined) return;
    const taints = filterTaintToleration(shape, view);
    const affinity = filterNodeAffinity(shape, view);
    viewRejections[slot] = filterNodeUnschedulable(shape, view) ?? filterNodeName(shape, view) ?? taints ?? affinity;
    eligible[slot] = (affinity === undefined ? MATCHES_AFFINITY : 0) | (taints === undefined ? TOLERATES_TAINTS : 0);
    softTaints[slot] = countSoftTaints(shape, view);
    preferredTerms[slot] = sumPreferredTerms(shape, view);
  }

  /** What the pods on it decide. */
  function lookAtUsage(slot: number): void {
    usageSeen[slot] = nodes.usageVersion(slot);
    const rejection =
      viewRejections[slot] ??
      filterNodePorts(shape, nodes, slot) ??
      filterNodeResourcesFit(shape, nodes, slot, resources);
    rejections[slot] = rejection;
    if (rejection !== undefined) return;
    resourceScores[slot] =
      scoreLeastAllocated(shape, nodes, slot) * SCORE_WEIGHTS.NodeResourcesFit +
      scoreBalancedAllocation(shape, nodes, slot) * SCORE_WEIGHTS.NodeResourcesBalancedAllocation;
  }

  function look(slot: number): void {
    if (slot >= usageSeen.length) grow();
    if (usageSeen[slot] === nodes.usageVersion(slot)) return;
    if (viewSeen[slot] !== nodes.viewVersion(slot)) lookAtNode(slot);
    lookAtUsage(slot);
  }

  return {
    shape,
    rejectionAt(slot) {
      look(slot);
      return rejections[slot];
    },
    ownScoreAt(slot) {
      if (imageSeen[slot] !== nodes.imageVersion) {
        imageSeen[slot] = nodes.imageVersion;
        imageScores[slot] = scoreImageLocality(shape, nodes, slot) * SCORE_WEIGHTS.ImageLocality;
      }
      return resourceScores[slot]! + imageScores[slot]!;
    },
    softTaintsAt: (slot) => softTaints[slot]!,
    preferredTermsAt: (slot) => preferredTerms[slot]!,
    matchesAffinity(slot) {
      look(slot);
      return (eligible[slot]! & MATCHES_AFFINITY) !== 0;
    },
    toleratesTaints(slot) {
      look(slot);
      return (eligible[slot]! & TOLERATES_TAINTS) !== 0;
    },
  };
}
