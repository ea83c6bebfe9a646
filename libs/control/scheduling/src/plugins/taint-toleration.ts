/** TaintToleration: taints repel pods that don't tolerate them; soft ones only lower the score. */
import type { Taint } from '@periplus/api/kinds';
import type { PodShape } from '../pod/pod-shape.js';
import type { NodeView } from '../state/node-view.js';
import type { Rejection } from './plugin.js';
import { isTolerated } from './tolerations.js';

const rejections = new Map<string, Rejection>();
const REJECTIONS_MAX = 1_024;

function rejectionFor(taint: Taint): Rejection {
  const reason = `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
  let rejection = rejections.get(reason);
  if (rejection === undefined) {
    if (rejections.size >= REJECTIONS_MAX) rejections.clear();
    rejection = { plugin: 'TaintToleration', reasons: [reason], unresolvable: true };
    rejections.set(reason, rejection);
  }
  return rejection;
}

export function filterTaintToleration(shape: PodShape, node: NodeView): Rejection | undefined {
  const taint = node.taints.find((candidate) => !isTolerated(candidate, shape.tolerations));
  return taint === undefined ? undefined : rejectionFor(taint);
}

/** How many soft taints the pod does not tolerate: the fewer the better. */
export function countSoftTaints(shape: PodShape, node: NodeView): number {
  if (node.softTaints.length === 0) return 0;
  return node.softTaints.filter((taint) => !isTolerated(taint, shape.tolerations)).length;
}
