/**
 * Runs a world on virtual time. Everything in it waits on promises and virtual timers alone, so after one real macrotask
 * every microtask has run and nothing can happen until the next timer: time moves on only then.
 */
import type { VirtualTime } from '@periplus/base/clock';

export class SimulationStuckError extends Error {
  readonly code = 'SIMULATION_STUCK';
}

/** More timers in one run than any sane world has: something re-arms itself without end. */
const timersMax = 5_000_000;

const macrotask = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Runs until virtual time `untilMs` (monotonic), or until `done` says so. */
export async function runUntil(time: VirtualTime, untilMs: number, done: () => boolean = () => false): Promise<void> {
  for (let fired = 0; ; fired++) {
    await macrotask();
    if (done()) return;
    const due = time.nextDueMs();
    if (due === undefined || due > untilMs) break;
    if (fired > timersMax) throw new SimulationStuckError(`more than ${timersMax} timers before ${untilMs} ms`);
    time.runNext();
  }
  const rest = untilMs - time.monotonic();
  if (rest > 0) time.advance(rest);
}

/** Runs `work` to its end on virtual time; rejects as it does, or when it isn't done within `limitMs`. */
export async function runToEnd<T>(time: VirtualTime, limitMs: number, work: Promise<T>): Promise<T> {
  let settled = false;
  const mark = (): void => {
    settled = true;
  };
  work.then(mark, mark);
  await runUntil(time, time.monotonic() + limitMs, () => settled);
  if (!settled) throw new SimulationStuckError(`not done within ${limitMs} virtual ms`);
  return work;
}
