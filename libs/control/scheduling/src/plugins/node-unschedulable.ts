/** NodeUnschedulable: a cordoned node takes only pods that tolerate its being so. */
import type { Taint } from '@periplus/api/kinds';
import type { PodShape } from '../pod/pod-shape.js';
import type { NodeView } from '../state/node-view.js';
import type { Rejection } from './plugin.js';
import { isTolerated } from './tolerations.js';

const taint: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
const rejection: Rejection = {
  plugin: 'NodeUnschedulable',
  reasons: ['node(s) were unschedulable'],
  unresolvable: true,
};

export function filterNodeUnschedulable(shape: PodShape, node: NodeView): Rejection | undefined {
  return node.unschedulable && !isTolerated(taint, shape.tolerations) ? rejection : undefined;
}
