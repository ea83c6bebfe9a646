/** NodeResourcesFit: what a pod asks for must be free on the node; the node with most left over scores best (LeastAllocated). */
import type { PodShape } from '../pod/pod-shape.js';
import { CPU, MEMORY, PODS, type ResourceIndex } from '../pod/resource-index.js';
import type { NodeTable } from '../state/node-table.js';
import { type Rejection, SCORE_MAX } from './plugin.js';

/** Each kind of lack has one, which all nodes share. */
const rejections = new Map<string, Rejection>();
const REJECTIONS_MAX = 1_024;

function rejectionFor(missing: readonly number[], unresolvable: boolean, resources: ResourceIndex): Rejection {
  const reasons = missing.map((resource) =>
    resource === PODS ? 'Too many pods' : `Insufficient ${resources.nameOf(resource)}`,
  );
  const key = `${unresolvable}:${reasons.join(',')}`;
  let rejection = rejections.get(key);
  if (rejection === undefined) {
    if (rejections.size >= REJECTIONS_MAX) rejections.clear();
    rejection = { plugin: 'NodeResourcesFit', reasons, unresolvable };
    rejections.set(key, rejection);
  }
  return rejection;
}

export function filterNodeResourcesFit(
  { requests }: PodShape,
  nodes: NodeTable,
  slot: number,
  resources: ResourceIndex,
): Rejection | undefined {
  let missing: number[] | undefined;
  let unresolvable = false;
  for (let at = 0; at < requests.resources.length; at++) {
    const resource = requests.resources[at]!;
    const amount = requests.amounts[at]!;
    const allocatable = nodes.allocatable(resource, slot);
    if (amount <= allocatable - nodes.requested(resource, slot)) continue;
    missing ??= [];
    missing.push(resource);
    if (amount > allocatable) unresolvable = true;
  }
  return missing === undefined ? undefined : rejectionFor(missing, unresolvable, resources);
}

const leftOver = (capacity: number, used: number): number =>
  used > capacity ? 0 : Math.floor(((capacity - used) * SCORE_MAX) / capacity);

/** The mean share of cpu and memory that would be left, from 0 to 100. */
export function scoreLeastAllocated({ requests }: PodShape, nodes: NodeTable, slot: number): number {
  const cpu = nodes.allocatable(CPU, slot);
  const memory = nodes.allocatable(MEMORY, slot);
  let sum = 0;
  let counted = 0;
  if (cpu > 0) {
    sum += leftOver(cpu, nodes.scoredCpu(slot) + requests.scoredCpu);
    counted += 1;
  }
  if (memory > 0) {
    sum += leftOver(memory, nodes.scoredMemory(slot) + requests.scoredMemory);
    counted += 1;
  }
  return counted === 0 ? 0 : Math.floor(sum / counted);
}
