/** Delays between tries: doubling, capped, with jitter so that many callers do not come back together. */
import type { Random } from '@periplus/base/clock';

export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  /** The share of each delay that is random, 0 to 1. */
  readonly jitter: number;
}

export interface Backoff {
  /** The delay before the next try, in milliseconds. */
  nextMs(): number;
  /** To call after a success. */
  reset(): void;
}

export function createBackoff(options: BackoffOptions, random: Random): Backoff {
  let tries = 0;
  return {
    nextMs() {
      const delay = Math.min(options.maxMs, options.initialMs * 2 ** Math.min(tries, 52));
      tries += 1;
      return delay * (1 - options.jitter * random.next());
    },
    reset() {
      tries = 0;
    },
  };
}
