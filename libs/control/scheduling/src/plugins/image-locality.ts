/** ImageLocality: nodes that have the pod's images score better, the more so the larger they are and the more nodes have them. */
import type { Pod } from '@periplus/api/kinds';
import type { PodShape } from '../pod/pod-shape.js';
import type { NodeTable } from '../state/node-table.js';
import { SCORE_MAX } from './plugin.js';

const MEBIBYTE = 1024 * 1024;
const BYTES_MIN = 23 * MEBIBYTE;
/** A container. */
const BYTES_MAX = 1_000 * MEBIBYTE;

/** The name as nodes report it, with its tag. */
export function normalizeImage(name: string): string {
  return name.lastIndexOf(':') <= name.lastIndexOf('/') ? `${name}:latest` : name;
}

export function imagesOf(pod: Pod): readonly string[] {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  return containers.map(({ image }) => normalizeImage(image ?? ''));
}

export function scoreImageLocality({ images }: PodShape, nodes: NodeTable, slot: number): number {
  const present = nodes.at(slot).view?.images;
  if (present === undefined || present.size === 0) return 0;
  let sum = 0;
  for (const image of images) {
    const bytes = present.get(image);
    if (bytes !== undefined) sum += Math.floor((bytes * nodes.nodesWithImage(image)) / nodes.aliveCount);
  }
  const most = BYTES_MAX * images.length;
  const clamped = Math.min(most, Math.max(BYTES_MIN, sum));
  return Math.floor((SCORE_MAX * (clamped - BYTES_MIN)) / (most - BYTES_MIN));
}
