/** Runs seeds as tests: each twice, with equal traces, and with no rule broken. */
import { simulate } from './simulate.js';

const seedLimitMs = 120_000;

export function describeSeeds(from: number, to: number): void {
  describe('a cluster under faults, by seed', () => {
    const seeds = Array.from({ length: to - from + 1 }, (_unused, index) => from + index);
    it.each(seeds)(
      'seed %i breaks no rule, and repeats exactly',
      async (seed) => {
        const first = await simulate(seed);
        expect(first.violations).toEqual([]);
        expect(first.acknowledged).toBeGreaterThan(10);
        expect(first.delivered).toBeGreaterThan(100);
        const second = await simulate(seed);
        expect(second.traceHash).toBe(first.traceHash);
      },
      seedLimitMs,
    );
  });
}
