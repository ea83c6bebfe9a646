/** NodeName: a pod that names its node goes nowhere else. */
import type { PodShape } from '../pod/pod-shape.js';
import type { NodeView } from '../state/node-view.js';
import type { Rejection } from './plugin.js';

const rejection: Rejection = {
  plugin: 'NodeName',
  reasons: ["node(s) didn't match the requested node name"],
  unresolvable: true,
};

export function filterNodeName(shape: PodShape, node: NodeView): Rejection | undefined {
  return shape.nodeName !== '' && shape.nodeName !== node.name ? rejection : undefined;
}
