/** NodePorts: two pods of a node can't hold the same host port. */
import type { PodShape } from '../pod/pod-shape.js';
import type { NodeTable } from '../state/node-table.js';
import type { Rejection } from './plugin.js';

const rejection: Rejection = {
  plugin: 'NodePorts',
  reasons: ["node(s) didn't have free ports for the requested pod ports"],
  unresolvable: false,
};

export function filterNodePorts(shape: PodShape, nodes: NodeTable, slot: number): Rejection | undefined {
  return shape.hostPorts.length > 0 && nodes.at(slot).ports.clashesWith(shape.hostPorts) ? rejection : undefined;
}
