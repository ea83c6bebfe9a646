/**
 * How the nodes look to the pods of one shape, remembered from pod to pod: what depends on a single node is worked out
 * again only for nodes that changed since, so that the next pod of a Deployment looks anew at one node of thousands.
 */
import { scoreImageLocality } from '../plugins/image-locality.js';
import { filterNodeAffinity, sumPreferredTerms } from '../plugins/node-affinity.js';
import { filterNodeName } from '../plugins/node-name.js';
import { filterNodePorts } from '../plugins/node-ports.js';
import { scoreBalancedAllocation } from '../plugins/node-resources-balanced-allocation.js';
import { filterNodeResourcesFit, scoreLeastAllocated } from '../plugins/node-resources-fit.js';
import { filterNodeUnschedulable } from '../plugins/node-unschedulable.js';
import { type Rejection, SCORE_WEIGHTS } from '../plugins/plugin.js';
import { countSoftTaints, filterTaintToleration } from '../plugins/taint-toleration.js';
import type { PodShape } from '../pod/pod-shape.js';
import type { ClusterState } from '../state/cluster-state.js';

/** By slot; current after `refresh`, and to be read at once: they are replaced when nodes come. */
export interface NodeColumns {
  /** 1 where the filters that look at one node alone let the pod pass. */
  readonly fits: Uint8Array;
  /** The weighted sum of the scores that need no comparison with other nodes. */
  readonly ownScores: Float64Array;
  /** To be compared over the feasible nodes, like the next. */
  readonly softTaints: Float64Array;
  readonly preferredTerms: Float64Array;
  /** 1 where the pod's node selector and required node affinity match. */
  readonly matchesAffinity: Uint8Array;
  /** 1 where the pod tolerates the taints. */
  readonly toleratesTaints: Uint8Array;
}

export interface ShapeView {
  readonly shape: PodShape;
  /** Looks at what changed. */
  refresh(): NodeColumns;
  /** Of one node as it is now. Undefined: the filters that look at one node alone let the pod pass. */
  rejectionAt(slot: number): Rejection | undefined;
}

const CAPACITY_MIN = 64;

function createColumns(capacity: number) {
  return {
    fits: new Uint8Array(capacity),
    ownScores: new Float64Array(capacity),
    softTaints: new Float64Array(capacity),
    preferredTerms: new Float64Array(capacity),
    matchesAffinity: new Uint8Array(capacity),
    toleratesTaints: new Uint8Array(capacity),
    /** The versions that were looked at. */
    usageSeen: new Float64Array(capacity),
    viewSeen: new Float64Array(capacity),
  };
}

export function createShapeView(shape: PodShape, state: ClusterState): ShapeView {
  const { nodes, resources } = state;
  let columns = createColumns(0);
  /** What the node's object alone says, and what is said in all. */
  let viewRejections: (Rejection | undefined)[] = [];
  let rejections: (Rejection | undefined)[] = [];
  let changesSeen = -1;
  let imagesSeen = -1;

  /** Everything is looked at anew after it: nodes come seldom. */
  function reserve(): void {
    if (nodes.slotsEnd <= columns.fits.length) return;
    columns = createColumns(Math.max(nodes.slotsEnd, 2 * columns.fits.length, CAPACITY_MIN));
    viewRejections = [];
    rejections = [];
    changesSeen = -1;
  }

  function lookAtNode(slot: number): void {
    columns.viewSeen[slot] = nodes.viewVersion(slot);
    const { view } = nodes.at(slot);
    if (view === undefined) return;
    const taints = filterTaintToleration(shape, view);
    const affinity = filterNodeAffinity(shape, view);
    viewRejections[slot] = filterNodeUnschedulable(shape, view) ?? filterNodeName(shape, view) ?? taints ?? affinity;
    columns.matchesAffinity[slot] = affinity === undefined ? 1 : 0;
    columns.toleratesTaints[slot] = taints === undefined ? 1 : 0;
    columns.softTaints[slot] = countSoftTaints(shape, view);
    columns.preferredTerms[slot] = sumPreferredTerms(shape, view);
  }

  function score(slot: number): void {
    columns.ownScores[slot] =
      scoreLeastAllocated(shape, nodes, slot) * SCORE_WEIGHTS.NodeResourcesFit +
      scoreBalancedAllocation(shape, nodes, slot) * SCORE_WEIGHTS.NodeResourcesBalancedAllocation +
      scoreImageLocality(shape, nodes, slot) * SCORE_WEIGHTS.ImageLocality;
  }

  function look(slot: number): void {
    if (columns.usageSeen[slot] === nodes.usageVersion(slot)) return;
    columns.usageSeen[slot] = nodes.usageVersion(slot);
    columns.fits[slot] = 0;
    if (!nodes.isAlive(slot)) return;
    if (columns.viewSeen[slot] !== nodes.viewVersion(slot)) lookAtNode(slot);
    const rejection =
      viewRejections[slot] ??
      filterNodePorts(shape, nodes, slot) ??
      filterNodeResourcesFit(shape, nodes, slot, resources);
    rejections[slot] = rejection;
    if (rejection !== undefined) return;
    columns.fits[slot] = 1;
    score(slot);
  }

  /** Images on one node change the scores of the others. */
  function rescoreImages(): void {
    if (imagesSeen === nodes.imageVersion) return;
    imagesSeen = nodes.imageVersion;
    for (let slot = 0; slot < nodes.slotsEnd; slot++) if (columns.fits[slot] === 1) score(slot);
  }

  return {
    shape,
    refresh() {
      reserve();
      const before = changesSeen;
      changesSeen = nodes.changes;
      if (before === -1 || (before < nodes.changes && nodes.changedSlot(before) === undefined))
        for (let slot = 0; slot < nodes.slotsEnd; slot++) look(slot);
      else for (let change = before; change < nodes.changes; change++) look(nodes.changedSlot(change)!);
      rescoreImages();
      return columns;
    },
    rejectionAt(slot) {
      reserve();
      look(slot);
      return rejections[slot];
    },
  };
}
