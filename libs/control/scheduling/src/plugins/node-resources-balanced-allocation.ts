/** NodeResourcesBalancedAllocation: nodes whose cpu and memory would be used in like shares score best. */
import type { PodShape } from '../pod/pod-shape.js';
import { CPU, MEMORY } from '../pod/resource-index.js';
import type { NodeTable } from '../state/node-table.js';
import { SCORE_MAX } from './plugin.js';

/** A pod that asks for neither changes no balance: all nodes score the same. */
export function scoreBalancedAllocation(shape: PodShape, nodes: NodeTable, slot: number): number {
  const { cpuMilli, memoryBytes } = shape;
  if (cpuMilli === 0 && memoryBytes === 0) return 0;
  const cpu = nodes.allocatable(CPU, slot);
  const memory = nodes.allocatable(MEMORY, slot);
  if (cpu === 0 || memory === 0) return SCORE_MAX;
  const cpuShare = Math.min(1, (nodes.requested(CPU, slot) + cpuMilli) / cpu);
  const memoryShare = Math.min(1, (nodes.requested(MEMORY, slot) + memoryBytes) / memory);
  return Math.floor((1 - Math.abs(cpuShare - memoryShare) / 2) * SCORE_MAX);
}
