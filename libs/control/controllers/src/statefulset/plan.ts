/** What a StatefulSet wants done with its pods: in the order of their ordinals, or all at once. */
import type { Pod, StatefulSet } from '@periplus/api/kinds';
import { REVISION_LABEL } from '../shared/history.js';
import { isDeleting, labelsOf } from '../shared/identity.js';
import { isAvailable, isReady, isTerminated, readySinceMs } from '../shared/pod-state.js';
import { scaled } from '../shared/scaled.js';
import { firstOrdinal, isWanted, ordinalOf, replicasOf } from './members.js';

/** In one pass; the rest follows when these are seen. */
const BURST = 500;

export interface StatefulWorld {
  readonly set: StatefulSet;
  /** All that it controls and that have an ordinal. */
  readonly pods: readonly Pod[];
  /** Names of the revisions that the set rolls from and to. */
  readonly current: string;
  readonly update: string;
  readonly nowMs: number;
}

export interface StatefulPlan {
  readonly create: readonly { readonly ordinal: number; readonly revision: string }[];
  /** Beyond the replicas, or of an old revision. */
  readonly delete: readonly Pod[];
  /** Ended ones, made again when they are gone. */
  readonly replace: readonly Pod[];
}

interface Slot {
  readonly ordinal: number;
  readonly pod: Pod | undefined;
}

interface Slots {
  /** By ordinal, upwards. */
  readonly wanted: readonly Slot[];
  /** By ordinal, downwards. */
  readonly condemned: readonly Pod[];
}

const revisionOfPod = (pod: Pod): string | undefined => labelsOf(pod)[REVISION_LABEL];

const isRunningReady = (pod: Pod): boolean => pod.status?.phase === 'Running' && isReady(pod);

export function isUp({ set, nowMs }: StatefulWorld, pod: Pod): boolean {
  return isRunningReady(pod) && !isDeleting(pod) && isAvailable(pod, set.spec?.minReadySeconds ?? 0, nowMs);
}

function slotsOf({ set, pods }: StatefulWorld): Slots {
  const byOrdinal = new Map<number, Pod>();
  for (const pod of pods) byOrdinal.set(ordinalOf(set, pod) ?? -1, pod);
  const start = firstOrdinal(set);
  const wanted = Array.from({ length: replicasOf(set) }, (_, index) => ({
    ordinal: start + index,
    pod: byOrdinal.get(start + index),
  }));
  const condemned = [...byOrdinal.entries()]
    .filter(([ordinal]) => ordinal >= 0 && !isWanted(set, ordinal))
    .sort(([a], [b]) => b - a)
    .map(([, pod]) => pod);
  return { wanted, condemned };
}

const isOrdered = (set: StatefulSet): boolean => set.spec?.podManagementPolicy !== 'Parallel';

/** The first ordinal that is updated; those below stay with the current revision. */
function partitionOf(set: StatefulSet): number {
  return firstOrdinal(set) + (set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0);
}

/** A pod below the partition comes back as it was, even in the middle of a roll. */
function revisionFor({ set, current, update }: StatefulWorld, ordinal: number): string {
  const rolls = set.spec?.updateStrategy?.type !== 'OnDelete';
  return rolls && ordinal < partitionOf(set) ? current : update;
}

/** Of those beyond the replicas; in order, one at a time, and none while a lower one is not up. */
function condemnedNow(world: StatefulWorld, condemned: readonly Pod[]): readonly Pod[] {
  if (!isOrdered(world.set)) return condemned.filter((pod) => !isDeleting(pod)).slice(0, BURST);
  const [next] = condemned;
  if (next === undefined || isDeleting(next)) return [];
  const lowestDown = condemned.findLast((pod) => !isUp(world, pod));
  return isUp(world, next) || next === lowestDown ? [next] : [];
}

/** At least one may be missing, or nothing would ever roll. */
function maxUnavailableOf(set: StatefulSet): number {
  const { maxUnavailable } = set.spec?.updateStrategy?.rollingUpdate ?? {};
  return Math.max(1, scaled(maxUnavailable ?? 1, replicasOf(set), Math.floor));
}

/** Old pods from the highest ordinal down to the partition; those that don't work cost nothing more. */
function outdatedNow(world: StatefulWorld, wanted: readonly Slot[]): Pod[] {
  const { set, update } = world;
  if (set.spec?.updateStrategy?.type === 'OnDelete') return [];
  const isDown = ({ pod }: Slot): boolean => pod === undefined || !isUp(world, pod);
  let budget = maxUnavailableOf(set) - wanted.filter(isDown).length;
  const outdated: Pod[] = [];
  for (const slot of wanted.toReversed()) {
    const { ordinal, pod } = slot;
    if (ordinal < partitionOf(set)) break;
    if (pod === undefined || isDeleting(pod) || revisionOfPod(pod) === update) continue;
    if (!isDown(slot)) {
      if (budget <= 0) continue;
      budget -= 1;
    }
    outdated.push(pod);
  }
  return outdated.slice(0, BURST);
}

export function planStatefulPods(world: StatefulWorld): StatefulPlan {
  const ordered = isOrdered(world.set);
  const { wanted, condemned } = slotsOf(world);
  const create: { ordinal: number; revision: string }[] = [];
  const replace: Pod[] = [];
  for (const { ordinal, pod } of wanted) {
    if (pod === undefined) {
      if (create.length < BURST) create.push({ ordinal, revision: revisionFor(world, ordinal) });
    } else if (isTerminated(pod)) {
      if (!isDeleting(pod)) replace.push(pod);
    } else if (isUp(world, pod)) continue;
    if (ordered) return { create, delete: [], replace };
  }
  const surplus = condemnedNow(world, condemned);
  if (ordered && condemned.length > 0) return { create, delete: surplus, replace };
  const outdated = outdatedNow(world, wanted).filter((pod) => !replace.includes(pod));
  return { create, delete: [...surplus, ...outdated], replace };
}

/** When the next ready pod becomes available; undefined when none will by waiting. */
export function nextUpMs({ set, pods, nowMs }: StatefulWorld): number | undefined {
  const minReadyMs = (set.spec?.minReadySeconds ?? 0) * 1_000;
  if (minReadyMs === 0) return undefined;
  const waits = pods
    .filter((pod) => isReady(pod) && !isDeleting(pod))
    .map((pod) => readySinceMs(pod) + minReadyMs - nowMs)
    .filter((waitMs) => waitMs > 0);
  return waits.length === 0 ? undefined : Math.min(...waits);
}
