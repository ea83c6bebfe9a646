/**
 * All nodes in columns: what each has to give and what its pods have taken, by slot.
 *
 * A slot is a small number that a node keeps for life, so that everything else is an array over slots. A slot without a
 * node (`isAlive` false) stays while pods are counted on it: their node was deleted, or is yet to be seen.
 */
import { assert } from '@periplus/base/stdx';
import type { UsedPorts } from '../pod/host-ports.js';
import { createUsedPorts } from '../pod/host-ports.js';
import type { PodInfo } from '../pod/pod-info.js';
import { type ResourceIndex, toAmount } from '../pod/resource-index.js';
import type { NodeView } from './node-view.js';

export interface NodeSlot {
  readonly name: string;
  readonly slot: number;
  /** Undefined: nobody may be placed here. */
  view: NodeView | undefined;
  readonly pods: Map<string, PodInfo>;
  readonly ports: UsedPorts;
}

export interface NodeTable {
  /** All slots are below it; some may be free. */
  readonly slotsEnd: number;
  /** Nodes that pods may be placed on, if the filters agree. */
  readonly aliveCount: number;
  isAlive(slot: number): boolean;
  at(slot: number): NodeSlot;
  /** The pods counted on a slot; undefined for a free one. */
  podsAt(slot: number): IterableIterator<PodInfo> | undefined;
  slotOf(name: string): number | undefined;
  /** The slot of a node's name, a new one if it has none. */
  claim(name: string): NodeSlot;
  setView(slot: number, view: NodeView | undefined): void;
  add(slot: number, pod: PodInfo): void;
  remove(slot: number, pod: PodInfo): void;
  /** Gives the slot back if nothing needs it. True when it did. */
  releaseIfEmpty(slot: number): boolean;
  allocatable(resource: number, slot: number): number;
  requested(resource: number, slot: number): number;
  scoredCpu(slot: number): number;
  scoredMemory(slot: number): number;
  /** Grows with each change of the slot's node or pods; no number comes twice. */
  usageVersion(slot: number): number;
  /** Grows with each change of the slot's node alone. */
  viewVersion(slot: number): number;
  /** How many changes there were of any slot's node or pods. */
  readonly changes: number;
  /** Which slot the change of that number (from 0) was of; undefined when it is too long ago. */
  changedSlot(change: number): number | undefined;
  /** Nodes with PreferNoSchedule taints. */
  readonly softTaintedCount: number;
  /** Changes when any node's images or the number of nodes do. */
  readonly imageVersion: number;
  /** How many nodes have an image. */
  nodesWithImage(name: string): number;
}

const FIRST_CAPACITY = 64;
/** Changes that are remembered; a power of two. */
const JOURNAL_LENGTH = 4_096;

/** A column as Float64Array makes it. */
export type Column = Float64Array<ArrayBuffer>;

/** The column itself, or a larger copy. */
export function growTo(column: Column, capacity: number): Column {
  if (column.length >= capacity) return column;
  const grown = new Float64Array(Math.max(capacity, column.length * 2, FIRST_CAPACITY));
  grown.set(column);
  return grown;
}

function sameImages(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  if (a.size !== b.size) return false;
  for (const [name, bytes] of a) if (b.get(name) !== bytes) return false;
  return true;
}

const noImages: ReadonlyMap<string, number> = new Map();

export function createNodeTable(resources: ResourceIndex): NodeTable {
  const slots: (NodeSlot | undefined)[] = [];
  const free: number[] = [];
  const slotByName = new Map<string, number>();
  const allocatable: Column[] = [];
  const requested: Column[] = [];
  let scoredCpu = new Float64Array(FIRST_CAPACITY);
  let scoredMemory = new Float64Array(FIRST_CAPACITY);
  let usageVersions = new Float64Array(FIRST_CAPACITY);
  let viewVersions = new Float64Array(FIRST_CAPACITY);
  const imageNodes = new Map<string, number>();
  const journal = new Int32Array(JOURNAL_LENGTH);
  let changes = 0;
  let aliveCount = 0;
  let softTaintedCount = 0;
  let version = 0;
  let imageVersion = 0;

  function noteChange(slot: number): void {
    usageVersions[slot] = ++version;
    journal[changes & (JOURNAL_LENGTH - 1)] = slot;
    changes += 1;
  }

  function column(columns: Column[], resource: number): Column {
    const grown = growTo(columns[resource] ?? new Float64Array(0), slots.length);
    columns[resource] = grown;
    return grown;
  }

  function at(slot: number): NodeSlot {
    const found = slots[slot];
    assert(found !== undefined, `slot ${slot} holds no node`);
    return found;
  }

  function countImages(images: ReadonlyMap<string, number>, by: number): void {
    for (const name of images.keys()) {
      const count = (imageNodes.get(name) ?? 0) + by;
      if (count > 0) imageNodes.set(name, count);
      else imageNodes.delete(name);
    }
  }

  function clear(slot: number): void {
    for (const columns of [allocatable, requested])
      for (const values of columns) if (values !== undefined && slot < values.length) values[slot] = 0;
    scoredCpu[slot] = 0;
    scoredMemory[slot] = 0;
  }

  function change(slot: number, pod: PodInfo, sign: 1 | -1): void {
    const { resources: indexes, amounts } = pod.requests;
    for (let at = 0; at < indexes.length; at++) column(requested, indexes[at]!)[slot]! += sign * amounts[at]!;
    scoredCpu[slot]! += sign * pod.requests.scoredCpu;
    scoredMemory[slot]! += sign * pod.requests.scoredMemory;
    noteChange(slot);
  }

  return {
    get slotsEnd() {
      return slots.length;
    },
    get aliveCount() {
      return aliveCount;
    },
    get imageVersion() {
      return imageVersion;
    },
    get softTaintedCount() {
      return softTaintedCount;
    },
    get changes() {
      return changes;
    },
    changedSlot: (change) =>
      change < 0 || change >= changes || change < changes - JOURNAL_LENGTH
        ? undefined
        : journal[change & (JOURNAL_LENGTH - 1)],
    isAlive: (slot) => slots[slot]?.view !== undefined,
    at,
    podsAt: (slot) => slots[slot]?.pods.values(),
    slotOf: (name) => slotByName.get(name),
    claim(name) {
      const known = slotByName.get(name);
      if (known !== undefined) return at(known);
      const slot = free.pop() ?? slots.length;
      const made: NodeSlot = { name, slot, view: undefined, pods: new Map(), ports: createUsedPorts() };
      slots[slot] = made;
      slotByName.set(name, slot);
      scoredCpu = growTo(scoredCpu, slots.length);
      scoredMemory = growTo(scoredMemory, slots.length);
      usageVersions = growTo(usageVersions, slots.length);
      viewVersions = growTo(viewVersions, slots.length);
      noteChange(slot);
      viewVersions[slot] = version;
      return made;
    },
    setView(slot, view) {
      const node = at(slot);
      const before = node.view;
      aliveCount += (view === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
      const [had, has] = [before?.images ?? noImages, view?.images ?? noImages];
      if ((before === undefined) !== (view === undefined) || !sameImages(had, has)) {
        countImages(had, -1);
        countImages(has, 1);
        imageVersion += 1;
      }
      node.view = view;
      for (const values of allocatable) if (values !== undefined && slot < values.length) values[slot] = 0;
      for (const [name, text] of Object.entries(view?.allocatable ?? {}))
        column(allocatable, resources.indexOf(name))[slot] = toAmount(name, text);
      softTaintedCount += (view?.softTaints.length ? 1 : 0) - (before?.softTaints.length ? 1 : 0);
      noteChange(slot);
      viewVersions[slot] = version;
    },
    add(slot, pod) {
      const node = at(slot);
      node.pods.set(pod.uid, pod);
      node.ports.hold(pod.hostPorts);
      change(slot, pod, 1);
    },
    remove(slot, pod) {
      const node = at(slot);
      node.pods.delete(pod.uid);
      node.ports.release(pod.hostPorts);
      change(slot, pod, -1);
    },
    releaseIfEmpty(slot) {
      const node = at(slot);
      if (node.view !== undefined || node.pods.size > 0) return false;
      slots[slot] = undefined;
      slotByName.delete(node.name);
      free.push(slot);
      clear(slot);
      return true;
    },
    allocatable: (resource, slot) => allocatable[resource]?.[slot] ?? 0,
    requested: (resource, slot) => requested[resource]?.[slot] ?? 0,
    scoredCpu: (slot) => scoredCpu[slot] ?? 0,
    scoredMemory: (slot) => scoredMemory[slot] ?? 0,
    usageVersion: (slot) => usageVersions[slot] ?? 0,
    viewVersion: (slot) => viewVersions[slot] ?? 0,
    nodesWithImage: (name) => imageNodes.get(name) ?? 0,
  };
}
