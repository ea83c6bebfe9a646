/** Work done again and again for some seconds: how often by many at once, or how long it takes one. */
import { median } from '../contest.js';

/** @param work gives how many units it did. */
export async function rateOf(many: number, seconds: number, work: () => Promise<number>): Promise<number> {
  let done = 0;
  const started = performance.now();
  const end = started + seconds * 1_000;
  await Promise.all(
    Array.from({ length: many }, async () => {
      while (performance.now() < end) {
        const units = await work();
        done += units;
      }
    }),
  );
  return done / ((performance.now() - started) / 1_000);
}

/** Median milliseconds. */
export async function latencyOf(seconds: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (const end = performance.now() + seconds * 1_000; performance.now() < end; ) {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  }
  return median(times);
}
