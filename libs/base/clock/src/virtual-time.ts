/** Time that moves only when told to: timers fire in order of due time, then of creation. */
import type { CancelTimer, Time } from './clock.js';

interface PendingTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

export interface VirtualTime extends Time {
  /** When the next timer is due, in virtual milliseconds since the start; undefined when there is none. */
  nextDueMs(): number | undefined;
  /** Moves to the next due timer and runs that one alone. False when there is none. */
  runNext(): boolean;
  /** Runs, in order, every timer due within `durationMs`, then stands at that time. */
  advance(durationMs: number): void;
}

/** @param epochMs what `now()` says at the start. */
export function createVirtualTime(epochMs: number): VirtualTime {
  let elapsedMs = 0;
  let created = 0;
  const timers = new Set<PendingTimer>();

  const earliest = (): PendingTimer | undefined => {
    let first: PendingTimer | undefined;
    for (const timer of timers) {
      if (!first || timer.dueMs < first.dueMs || (timer.dueMs === first.dueMs && timer.order < first.order))
        first = timer;
    }
    return first;
  };

  const fire = (timer: PendingTimer): void => {
    timers.delete(timer);
    elapsedMs = Math.max(elapsedMs, timer.dueMs);
    timer.callback();
  };

  return {
    now: () => epochMs + Math.floor(elapsedMs),
    monotonic: () => elapsedMs,
    after(delayMs, callback): CancelTimer {
      const timer: PendingTimer = { dueMs: elapsedMs + Math.max(0, delayMs), order: created++, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    nextDueMs: () => earliest()?.dueMs,
    runNext() {
      const timer = earliest();
      if (timer) fire(timer);
      return timer !== undefined;
    },
    advance(durationMs) {
      const endMs = elapsedMs + durationMs;
      for (let timer = earliest(); timer && timer.dueMs <= endMs; timer = earliest()) fire(timer);
      elapsedMs = endMs;
    },
  };
}
