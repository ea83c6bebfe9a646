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

/** Asking the kernel costs the same for 16 bytes as for thousands. */
const poolBytes = 4_096;
let pool = randomBytes(0);

/** Each byte is given once. */
function takeBytes(length: number): Uint8Array {
  if (length > poolBytes) return new Uint8Array(randomBytes(length));
  if (pool.length < length) pool = randomBytes(poolBytes);
  const taken = Uint8Array.from(pool.subarray(0, length));
  pool = pool.fill(0, 0, length).subarray(length);
  return taken;
}

export const systemRandom: Random = {
  next: () => Buffer.from(takeBytes(6)).readUIntBE(0, 6) / 2 ** 48,
  bytes: takeBytes,
};
