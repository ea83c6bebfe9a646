/**
 * Keys of work to do: each at most once in the queue, and never handed out while it is being worked on.
 *
 * add(a), add(a), take() → a, add(a), take() → nothing, done(a), take() → a: what changes during the work is worked on after it.
 */
import type { CancelTimer, Random, Time } from '@periplus/base/clock';
import { createHeap } from '@periplus/base/stdx';

export interface WorkQueueBackoff {
  readonly initialMs: number;
  readonly maxMs: number;
  /** The share of each delay that is random, 0 to 1. */
  readonly jitter: number;
}

export interface WorkQueueOptions {
  readonly time: Time;
  readonly random: Random;
  readonly backoff: WorkQueueBackoff;
  /** Called when there is something to take, maybe more than once; not from within `take`. */
  readonly onReady: () => void;
}

/** Bounded by the number of distinct keys: adding a key that waits changes nothing. */
export interface WorkQueue {
  add(key: string): void;
  /** Added then; the earliest of several counts. */
  addAfter(key: string, delayMs: number): void;
  /** Added after the key's back-off, which doubles with each call until `forget`. `maxMs` lowers the cap for this call. */
  addAfterFailure(key: string, maxMs?: number): void;
  /** Ends the key's back-off. */
  forget(key: string): void;
  failures(key: string): number;
  /** The next key; undefined when none waits. `done` must follow. */
  take(): string | undefined;
  done(key: string): void;
  /** Keys that wait to be taken. */
  readonly size: number;
  /** Nothing is handed out and nothing becomes ready after it. */
  stop(): void;
}

interface Delayed {
  readonly key: string;
  readonly dueMs: number;
}

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const { time, backoff, onReady } = options;
  const waiting = new Set<string>();
  const active = new Set<string>();
  const again = new Set<string>();
  const failures = new Map<string, number>();
  const delays = createHeap<Delayed>((a, b) => a.dueMs - b.dueMs || (a.key < b.key ? -1 : 1));
  const dueOf = new Map<string, number>();
  let stopped = false;
  let cancelTimer: CancelTimer | undefined;
  let timerDueMs = Number.POSITIVE_INFINITY;

  function add(key: string): void {
    if (stopped) return;
    if (active.has(key)) {
      again.add(key);
      return;
    }
    waiting.add(key);
    onReady();
  }

  function moveDue(): void {
    cancelTimer = undefined;
    timerDueMs = Number.POSITIVE_INFINITY;
    for (let next = delays.peek(); next !== undefined; next = delays.peek()) {
      if (dueOf.get(next.key) !== next.dueMs) {
        delays.pop();
        continue;
      }
      if (next.dueMs > time.monotonic()) break;
      delays.pop();
      dueOf.delete(next.key);
      add(next.key);
    }
    setTimer();
  }

  function setTimer(): void {
    const next = delays.peek();
    if (stopped || next === undefined || next.dueMs >= timerDueMs) return;
    cancelTimer?.();
    timerDueMs = next.dueMs;
    cancelTimer = time.after(Math.max(0, next.dueMs - time.monotonic()), moveDue);
  }

  function addAfter(key: string, delayMs: number): void {
    if (stopped) return;
    if (delayMs <= 0) {
      add(key);
      return;
    }
    const dueMs = time.monotonic() + delayMs;
    if ((dueOf.get(key) ?? Number.POSITIVE_INFINITY) <= dueMs) return;
    dueOf.set(key, dueMs);
    delays.push({ key, dueMs });
    setTimer();
  }

  return {
    add,
    addAfter,
    addAfterFailure(key, maxMs = backoff.maxMs) {
      const earlier = failures.get(key) ?? 0;
      failures.set(key, earlier + 1);
      const full = Math.min(maxMs, backoff.maxMs, backoff.initialMs * 2 ** Math.min(earlier, 40));
      addAfter(key, full * (1 - backoff.jitter * options.random.next()));
    },
    forget: (key) => void failures.delete(key),
    failures: (key) => failures.get(key) ?? 0,
    take() {
      if (stopped) return undefined;
      for (const key of waiting) {
        waiting.delete(key);
        active.add(key);
        return key;
      }
      return undefined;
    },
    done(key) {
      active.delete(key);
      if (again.delete(key)) add(key);
    },
    get size() {
      return waiting.size;
    },
    stop() {
      stopped = true;
      waiting.clear();
      cancelTimer?.();
      cancelTimer = undefined;
    },
  };
}
