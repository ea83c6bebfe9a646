/** The machine's clock, timers and randomness: the one impure file of this library, imported by apps and harnesses only. */
import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Random, Time } from './clock.js';

export const systemTime: Time = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

export const systemRandom: Random = {
  next: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  bytes: (length) => new Uint8Array(randomBytes(length)),
};
