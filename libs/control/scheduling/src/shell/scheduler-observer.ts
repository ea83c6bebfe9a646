/** What metrics are made of: told by the scheduler, counted by whoever runs it. */

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';

export interface SchedulerObserver {
  /** After each attempt; of a pod that fits, when its binding is settled. */
  attempted(result: AttemptResult, durationMs: number): void;
  /** A pod was bound: how many attempts it took, and how long since it was first seen. */
  bound(attempts: number, waitedMs: number): void;
}

export const silentObserver: SchedulerObserver = { attempted: () => undefined, bound: () => undefined };
