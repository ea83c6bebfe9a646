/** Time and chance as parameters: core code is given these ports and never asks the machine. */

/** Cancels a timer; calling it again, or after it fired, does nothing. */
export type CancelTimer = () => void;

export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. May jump; never measure a duration with it. */
  now(): number;
  /** Monotonic milliseconds from an arbitrary start. */
  monotonic(): number;
}

export interface Timers {
  /** Runs `callback` once, `delayMs` from now (0 = on the next turn). */
  after(delayMs: number, callback: () => void): CancelTimer;
}

/** What most code takes: reading the time and waiting for it. */
export interface Time extends Clock, Timers {}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** `length` uniform bytes. */
  bytes(length: number): Uint8Array;
}
