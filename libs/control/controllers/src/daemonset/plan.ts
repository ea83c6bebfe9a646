/** What a DaemonSet wants done: pods to make on nodes and to delete, and the status it should show. */
import type { DaemonSet, DaemonSetStatus, Node, Pod } from '@periplus/api/kinds';
import { REVISION_LABEL } from '../shared/history.js';
import { isDeleting, labelsOf, nameOf, timeOf } from '../shared/identity.js';
import { isAvailable, isReady, isTerminated, readySinceMs } from '../shared/pod-state.js';
import { scaled } from '../shared/scaled.js';
import { nodeOf, type Placement, placementsOf } from './placement.js';

/** In one pass; the rest follows when these are seen. */
const BURST = 250;

/** A node that has to do with the DaemonSet. */
interface Post {
  readonly name: string;
  readonly placement: Placement;
  /** Oldest first, those that have a node before. */
  readonly pods: readonly Pod[];
}

export interface DaemonPlan {
  /** Names of nodes. */
  readonly create: readonly string[];
  readonly delete: readonly Pod[];
  /** Ended pods, which daemons never should be; deleted with back-off, a node each. */
  readonly ended: readonly Pod[];
}

export interface DaemonWorld {
  readonly daemonSet: DaemonSet;
  readonly nodes: readonly Node[];
  /** All that it controls. */
  readonly pods: readonly Pod[];
  /** Of the present revision. */
  readonly hash: string;
  readonly nowMs: number;
}

const isBound = (pod: Pod): boolean => (pod.spec?.nodeName ?? '') !== '';

function byAge(a: Pod, b: Pod): number {
  if (isBound(a) !== isBound(b)) return isBound(a) ? -1 : 1;
  const age = timeOf(a.metadata?.creationTimestamp) - timeOf(b.metadata?.creationTimestamp);
  return age || (nameOf(a) < nameOf(b) ? -1 : 1);
}

function podsByNode(pods: readonly Pod[]): Map<string | undefined, Pod[]> {
  const byNode = new Map<string | undefined, Pod[]>();
  for (const pod of pods) {
    const node = nodeOf(pod);
    const known = byNode.get(node);
    if (known === undefined) byNode.set(node, [pod]);
    else known.push(pod);
  }
  for (const known of byNode.values()) known.sort(byAge);
  return byNode;
}

interface Posts {
  readonly posts: readonly Post[];
  /** Pods made for nodes that are gone, and for none; those that ran there are the pod garbage collector's. */
  readonly stray: readonly Pod[];
}

function postsOf({ daemonSet, nodes, pods }: DaemonWorld): Posts {
  const byNode = podsByNode(pods);
  const place = placementsOf(daemonSet);
  const posts = nodes.map((node) => {
    const name = nameOf(node);
    const post = { name, placement: place(node), pods: byNode.get(name) ?? [] };
    byNode.delete(name);
    return post;
  });
  return { posts, stray: [...byNode.values()].flat().filter((pod) => !isBound(pod) && !isDeleting(pod)) };
}

interface Limits {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** Both round up, of the nodes that want a pod; one of them is at least 1. Without rolling nothing is replaced. */
function limitsOf(daemonSet: DaemonSet, desired: number): Limits | undefined {
  const { type, rollingUpdate } = daemonSet.spec?.updateStrategy ?? {};
  if (type === 'OnDelete') return undefined;
  const maxSurge = scaled(rollingUpdate?.maxSurge, desired, Math.ceil);
  const maxUnavailable = scaled(rollingUpdate?.maxUnavailable ?? 1, desired, Math.ceil);
  return { maxSurge, maxUnavailable: maxSurge === 0 && maxUnavailable === 0 ? 1 : maxUnavailable };
}

const isNew = (world: DaemonWorld, pod: Pod): boolean => labelsOf(pod)[REVISION_LABEL] === world.hash;

function isUp({ daemonSet, nowMs }: DaemonWorld, pod: Pod): boolean {
  return !isDeleting(pod) && isAvailable(pod, daemonSet.spec?.minReadySeconds ?? 0, nowMs);
}

/** Of a post that may keep a pod, those beyond the one; with surge, a new one beside the old until it is available. */
function surplusOf(world: DaemonWorld, running: readonly Pod[], maxSurge: number): Pod[] {
  if (maxSurge === 0 || running.length <= 1) return running.slice(1);
  const fresh = running.find((pod) => isNew(world, pod));
  const old = running.find((pod) => !isNew(world, pod));
  const extra = running.filter((pod) => pod !== fresh && pod !== old);
  if (fresh !== undefined && old !== undefined && (!isReady(old) || isUp(world, fresh))) return [old, ...extra];
  return extra;
}

/** One pod on each node that wants one, whatever its revision. */
function fill(world: DaemonWorld, { posts, stray }: Posts, limits: Limits | undefined): DaemonPlan {
  const create: string[] = [];
  const gone: Pod[] = [...stray];
  const ended: Pod[] = [];
  for (const { name, placement, pods } of posts) {
    const staying = pods.filter((pod) => !isDeleting(pod));
    // A pod that is going still holds its ports and its place.
    if (placement.shouldRun && pods.length === 0) create.push(name);
    else if (placement.mayStay) {
      ended.push(...staying.filter(isTerminated));
      gone.push(
        ...surplusOf(
          world,
          staying.filter((pod) => !isTerminated(pod)),
          limits?.maxSurge ?? 0,
        ),
      );
    } else gone.push(...staying);
  }
  return { create, delete: gone, ended };
}

interface Pair {
  readonly post: Post;
  readonly fresh: Pod | undefined;
  readonly old: Pod | undefined;
}

function pairsOf(world: DaemonWorld, posts: readonly Post[]): Pair[] {
  return posts
    .filter(({ placement }) => placement.shouldRun)
    .map((post) => {
      const living = post.pods.filter((pod) => !isTerminated(pod));
      return {
        post,
        fresh: living.find((pod) => isNew(world, pod)),
        old: living.find((pod) => !isNew(world, pod)),
      };
    });
}

/** Old pods that don't work go at once; those that do, as many as may be missing. */
function replaceInPlace(world: DaemonWorld, pairs: readonly Pair[], { maxUnavailable }: Limits): Pod[] {
  const broken: Pod[] = [];
  const working: Pod[] = [];
  let unavailable = 0;
  for (const { fresh, old } of pairs) {
    if (old === undefined) {
      if (fresh === undefined || !isUp(world, fresh)) unavailable += 1;
    } else if (!isUp(world, old)) {
      unavailable += 1;
      if (!isDeleting(old)) broken.push(old);
    } else working.push(old);
  }
  return [...broken, ...working.slice(0, Math.max(0, maxUnavailable - unavailable))];
}

/** New pods beside the old ones, as many as may be too many; where the old one does not work, at once. */
function surge(world: DaemonWorld, pairs: readonly Pair[], { maxSurge }: Limits): string[] {
  const broken: string[] = [];
  const working: string[] = [];
  let surging = 0;
  for (const { post, fresh, old } of pairs) {
    if (old === undefined) continue;
    if (fresh !== undefined) {
      if (!isUp(world, fresh)) surging += 1;
    } else if (isUp(world, old)) working.push(post.name);
    else broken.push(post.name);
  }
  return [...broken, ...working.slice(0, Math.max(0, maxSurge - surging))];
}

/** The next pass rolls once the posts are filled: what was made in this one is not seen yet. */
export function planDaemons(world: DaemonWorld): DaemonPlan {
  const posts = postsOf(world);
  const limits = limitsOf(world.daemonSet, posts.posts.filter(({ placement }) => placement.shouldRun).length);
  const filled = fill(world, posts, limits);
  const cut = (plan: DaemonPlan): DaemonPlan => ({
    create: plan.create.slice(0, BURST),
    delete: plan.delete.slice(0, BURST),
    ended: plan.ended,
  });
  if (filled.create.length > 0 || filled.delete.length > 0 || limits === undefined) return cut(filled);
  const pairs = pairsOf(world, posts.posts);
  if (limits.maxSurge > 0) return cut({ ...filled, create: surge(world, pairs, limits) });
  return cut({ ...filled, delete: replaceInPlace(world, pairs, limits) });
}

export function planDaemonStatus(world: DaemonWorld, collisionCount: number): DaemonSetStatus {
  const { daemonSet } = world;
  const { conditions } = daemonSet.status ?? {};
  const counts = { current: 0, desired: 0, misscheduled: 0, ready: 0, updated: 0, available: 0 };
  for (const { placement, pods } of postsOf(world).posts) {
    const [pod] = pods;
    if (!placement.shouldRun) {
      if (pod !== undefined) counts.misscheduled += 1;
      continue;
    }
    counts.desired += 1;
    if (pod === undefined) continue;
    counts.current += 1;
    if (isReady(pod)) counts.ready += 1;
    if (isReady(pod) && isUp(world, pod)) counts.available += 1;
    if (isNew(world, pod)) counts.updated += 1;
  }
  const positive = (field: string, count: number): object => (count > 0 ? { [field]: count } : {});
  return {
    currentNumberScheduled: counts.current,
    desiredNumberScheduled: counts.desired,
    numberMisscheduled: counts.misscheduled,
    numberReady: counts.ready,
    observedGeneration: Math.max(daemonSet.metadata?.generation ?? 0, daemonSet.status?.observedGeneration ?? 0),
    ...positive('updatedNumberScheduled', counts.updated),
    ...positive('numberAvailable', counts.available),
    ...positive('numberUnavailable', counts.desired - counts.available),
    ...positive('collisionCount', collisionCount),
    ...(conditions === undefined ? {} : { conditions }),
  };
}

/** When the next ready pod becomes available; undefined when none will by waiting. */
export function nextDaemonMs({ daemonSet, pods, nowMs }: DaemonWorld): number | undefined {
  const minReadyMs = (daemonSet.spec?.minReadySeconds ?? 0) * 1_000;
  const waits = pods
    .filter((pod) => minReadyMs > 0 && isReady(pod) && !isDeleting(pod))
    .map((pod) => readySinceMs(pod) + minReadyMs - nowMs)
    .filter((waitMs) => waitMs > 0);
  return waits.length === 0 ? undefined : Math.min(...waits);
}
