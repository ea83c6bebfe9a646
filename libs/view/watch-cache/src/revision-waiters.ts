/** Who waits for the cache to reach a revision. */
import type { Revision } from '@periplus/api/meta';
import type { Timers } from '@periplus/base/clock';
import { createHeap } from '@periplus/base/stdx';

export interface RevisionWaiters {
  wait(revision: Revision, limitMs: number): Promise<boolean>;
  reached(revision: Revision): void;
  /** Answers all with false. */
  close(): void;
}

interface Waiter {
  readonly revision: Revision;
  settle(reached: boolean): void;
}

export function createRevisionWaiters(timers: Timers): RevisionWaiters {
  const waiting = createHeap<Waiter>((a, b) => a.revision - b.revision);
  return {
    wait: (revision, limitMs) =>
      new Promise((resolve) => {
        const cancel = timers.after(limitMs, () => resolve(false));
        waiting.push({
          revision,
          settle(reached) {
            cancel();
            resolve(reached);
          },
        });
      }),
    reached(revision) {
      while ((waiting.peek()?.revision ?? Number.POSITIVE_INFINITY) <= revision) waiting.pop()!.settle(true);
    },
    close() {
      for (let waiter = waiting.pop(); waiter !== undefined; waiter = waiting.pop()) waiter.settle(false);
    },
  };
}
