/** A node as the filters see it: what of the object matters for placing pods, read once a version. */
import type { Node, Taint } from '@periplus/api/kinds';
import type { Labels } from '@periplus/api/meta';

export interface NodeView {
  readonly name: string;
  readonly labels: Labels;
  readonly unschedulable: boolean;
  /** NoSchedule and NoExecute: they repel what doesn't tolerate them. */
  readonly taints: readonly Taint[];
  /** PreferNoSchedule. */
  readonly softTaints: readonly Taint[];
  /** Bytes by each name that the image goes by on the node. */
  readonly images: ReadonlyMap<string, number>;
  readonly allocatable: Readonly<Record<string, string>>;
}

const noLabels: Labels = {};

export function toNodeView(node: Node): NodeView {
  const taints = node.spec?.taints ?? [];
  const images = new Map<string, number>();
  for (const { names, sizeBytes } of node.status?.images ?? [])
    for (const name of names ?? []) images.set(name, sizeBytes ?? 0);
  return {
    name: node.metadata?.name ?? '',
    labels: node.metadata?.labels ?? noLabels,
    unschedulable: node.spec?.unschedulable ?? false,
    taints: taints.filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute'),
    softTaints: taints.filter(({ effect }) => effect === 'PreferNoSchedule'),
    images,
    allocatable: node.status?.allocatable ?? node.status?.capacity ?? {},
  };
}
