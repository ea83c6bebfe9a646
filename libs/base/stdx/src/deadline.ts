/** Waits that end: a promise with a limit, and a sleep, on a given clock. */
import type { Timers } from '@periplus/base/clock';

export class DeadlineExceededError extends Error {
  readonly code = 'DEADLINE_EXCEEDED';
}

/** Settles as `promise` does, or rejects with `DeadlineExceededError` after `limitMs`. The work itself goes on: cancel it yourself. */
export function withDeadline<T>(timers: Timers, limitMs: number, what: string, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = timers.after(limitMs, () =>
      reject(new DeadlineExceededError(`${what}: no answer within ${limitMs} ms`)),
    );
    promise.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}

/** Resolves after `delayMs`, or at once when `signal` aborts. */
export function sleep(timers: Timers, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const finish = (): void => {
      signal?.removeEventListener('abort', stop);
      resolve();
    };
    const cancel = timers.after(delayMs, finish);
    const stop = (): void => {
      cancel();
      finish();
    };
    signal?.addEventListener('abort', stop, { once: true });
  });
}
