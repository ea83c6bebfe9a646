/**
 * Pods that wait to be scheduled, in three places.
 *
 * *Active*: to be tried next, by priority, then by how long they wait. *Unschedulable*: tried in vain; an event that could
 * help moves them on, and five minutes do in any case. *Backing off*: moved on, but tried too short a time ago: each
 * attempt doubles the pause, from 1 s to 10 s. Gated pods wait apart until their gates are gone.
 */
import type { CancelTimer, Time } from '@periplus/base/clock';
import { createHeap } from '@periplus/base/stdx';
import type { PluginName } from '../plugins/plugin.js';
import { isGated } from '../plugins/scheduling-gates.js';
import type { PodInfo } from '../pod/pod-info.js';
import { type ClusterEvent, mayHelp } from './cluster-events.js';

export type QueuePlace = 'active' | 'backoff' | 'unschedulable' | 'gated';

export interface QueuedPod {
  readonly pod: PodInfo;
  /** How often it was tried, this time included once it was taken. */
  readonly attempts: number;
  /** When it first came, on the monotonic clock. */
  readonly sinceMs: number;
}

export interface SchedulingQueueOptions {
  readonly time: Time;
  /** Called when a pod became active. */
  readonly onReady: () => void;
}

export interface SchedulingQueue {
  /** A new pending pod, or a new version of one that waits. `relevant`: the change may make it schedulable. */
  put(pod: PodInfo, relevant: boolean): void;
  remove(uid: string): void;
  /** The next pod to try. It is out of the queue until given back. */
  take(): QueuedPod | undefined;
  /** Gives back a pod that fits nowhere, with the plugins that said so. */
  addUnschedulable(queued: QueuedPod, refusedBy: ReadonlySet<PluginName>): void;
  /** Gives back a pod whose attempt failed for no fault of the cluster's state. */
  addBackoff(queued: QueuedPod): void;
  /** Something happened: whoever it may help is tried again. */
  move(event: ClusterEvent): void;
  has(uid: string): boolean;
  count(place: QueuePlace): number;
  /** Nothing becomes ready after it. */
  stop(): void;
}

const BACKOFF_INITIAL_MS = 1_000;
const BACKOFF_MAX_MS = 10_000;
const UNSCHEDULABLE_MAX_MS = 300_000;
const FLUSH_PERIOD_MS = 30_000;

interface Entry {
  pod: PodInfo;
  place: QueuePlace;
  attempts: number;
  readonly sinceMs: number;
  /** When it came or failed last: its turn among equals, and where its back-off begins. */
  turnMs: number;
  /** Breaks ties in the order of arrival. */
  order: number;
  refusedBy: ReadonlySet<PluginName>;
}

/** A heap holds old copies of entries that moved; only the one that the entry itself knows counts. */
interface Ticket {
  readonly entry: Entry;
  readonly order: number;
  readonly priority: number;
  readonly atMs: number;
}

const noPlugins: ReadonlySet<PluginName> = new Set();
const byPriority = (a: Ticket, b: Ticket): number => b.priority - a.priority || a.atMs - b.atMs || a.order - b.order;
const byTime = (a: Ticket, b: Ticket): number => a.atMs - b.atMs || a.order - b.order;

export function backoffMs(attempts: number): number {
  return Math.min(BACKOFF_MAX_MS, BACKOFF_INITIAL_MS * 2 ** Math.max(0, Math.min(attempts, 30) - 1));
}

export function createSchedulingQueue({ time, onReady }: SchedulingQueueOptions): SchedulingQueue {
  const entries = new Map<string, Entry>();
  /** Those of them in place `unschedulable`, so that an event looks at nobody else. */
  const unschedulable = new Set<Entry>();
  const counts: Record<QueuePlace, number> = { active: 0, backoff: 0, unschedulable: 0, gated: 0 };
  const active = createHeap<Ticket>(byPriority);
  const backoff = createHeap<Ticket>(byTime);
  let orders = 0;
  let stopped = false;
  let cancelBackoff: CancelTimer | undefined;
  let cancelFlush: CancelTimer | undefined;

  const isCurrent = ({ entry, order }: Ticket, place: QueuePlace): boolean =>
    entry.order === order && entry.place === place && entries.get(entry.pod.uid) === entry;

  function leave(entry: Entry): void {
    counts[entry.place] -= 1;
    unschedulable.delete(entry);
  }

  function place(entry: Entry, next: QueuePlace): void {
    if (entries.get(entry.pod.uid) === entry) leave(entry);
    entry.place = next;
    counts[next] += 1;
    entry.order = ++orders;
    entries.set(entry.pod.uid, entry);
    const ticket = { entry, order: entry.order, priority: entry.pod.priority };
    if (next === 'active') {
      active.push({ ...ticket, atMs: entry.turnMs });
      onReady();
    } else if (next === 'backoff') {
      backoff.push({ ...ticket, atMs: entry.turnMs + backoffMs(entry.attempts) });
      armBackoff();
    } else if (next === 'unschedulable') {
      unschedulable.add(entry);
      armFlush();
    }
  }

  /** To where a pod goes that is worth another try. */
  function retry(entry: Entry): void {
    const due = entry.attempts === 0 || entry.turnMs + backoffMs(entry.attempts) <= time.monotonic();
    place(entry, due ? 'active' : 'backoff');
  }

  function armBackoff(): void {
    cancelBackoff?.();
    cancelBackoff = undefined;
    const next = backoff.peek();
    if (stopped || next === undefined) return;
    cancelBackoff = time.after(Math.max(0, next.atMs - time.monotonic()), endBackoffs);
  }

  function endBackoffs(): void {
    cancelBackoff = undefined;
    for (let next = backoff.peek(); next !== undefined; next = backoff.peek()) {
      const current = isCurrent(next, 'backoff');
      if (current && next.atMs > time.monotonic()) break;
      backoff.pop();
      if (current) place(next.entry, 'active');
    }
    armBackoff();
  }

  function armFlush(): void {
    if (stopped || cancelFlush !== undefined) return;
    cancelFlush = time.after(FLUSH_PERIOD_MS, () => {
      cancelFlush = undefined;
      const before = time.monotonic() - UNSCHEDULABLE_MAX_MS;
      for (const entry of [...unschedulable]) if (entry.turnMs <= before) retry(entry);
      if (unschedulable.size > 0) armFlush();
    });
  }

  function giveBack({ pod, attempts, sinceMs }: QueuedPod, next: QueuePlace, refusedBy: ReadonlySet<PluginName>): void {
    if (stopped || entries.has(pod.uid)) return;
    const turnMs = time.monotonic();
    place({ pod, place: next, attempts, sinceMs, turnMs, order: 0, refusedBy }, next);
  }

  return {
    put(pod, relevant) {
      if (stopped) return;
      const known = entries.get(pod.uid);
      const gated = isGated(pod.pod);
      if (known === undefined) {
        const now = time.monotonic();
        const entry: Entry = {
          pod,
          place: 'active',
          attempts: 0,
          sinceMs: now,
          turnMs: now,
          order: 0,
          refusedBy: noPlugins,
        };
        place(entry, gated ? 'gated' : 'active');
        return;
      }
      const reprioritized = known.pod.priority !== pod.priority;
      known.pod = pod;
      if (gated) {
        if (known.place !== 'gated') place(known, 'gated');
      } else if (known.place === 'gated') place(known, 'active');
      else if (known.place === 'unschedulable') {
        if (relevant) retry(known);
      } else if (known.place === 'active' && reprioritized) place(known, 'active');
    },
    remove(uid) {
      const known = entries.get(uid);
      if (known === undefined) return;
      leave(known);
      entries.delete(uid);
    },
    take() {
      for (let next = active.pop(); next !== undefined; next = active.pop()) {
        if (stopped || !isCurrent(next, 'active')) continue;
        const { entry } = next;
        leave(entry);
        entries.delete(entry.pod.uid);
        return { pod: entry.pod, attempts: entry.attempts + 1, sinceMs: entry.sinceMs };
      }
      return undefined;
    },
    addUnschedulable: (queued, refusedBy) => giveBack(queued, 'unschedulable', refusedBy),
    addBackoff: (queued) => giveBack(queued, 'backoff', noPlugins),
    move(event) {
      for (const entry of [...unschedulable]) if (mayHelp(event, entry.refusedBy)) retry(entry);
    },
    has: (uid) => entries.has(uid),
    count: (where) => counts[where],
    stop() {
      stopped = true;
      cancelBackoff?.();
      cancelFlush?.();
    },
  };
}
