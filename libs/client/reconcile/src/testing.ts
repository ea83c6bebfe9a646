/** Lets promises settle and virtual time pass, in small steps, as a real event loop would. */
import type { VirtualTime } from '@periplus/base/clock';

/** Enough for any chain of awaits in a reconcile to reach its next timer. */
const TURNS_A_STEP = 50;

export async function settle(time: VirtualTime, durationMs: number, stepMs = durationMs / 20): Promise<void> {
  for (let passed = 0; passed < durationMs; passed += stepMs) {
    for (let turn = 0; turn < TURNS_A_STEP; turn++) await Promise.resolve();
    time.advance(Math.min(stepMs, durationMs - passed));
  }
  for (let turn = 0; turn < TURNS_A_STEP; turn++) await Promise.resolve();
}
