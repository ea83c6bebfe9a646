import { createSeededRandom } from './seeded-random.js';
import { createVirtualTime } from './virtual-time.js';

describe('virtual time', () => {
  it('fires timers by due time, equal ones in order of creation, and stands still otherwise', () => {
    const time = createVirtualTime(1_000);
    const fired: string[] = [];
    time.after(20, () => fired.push(`late@${time.now()}`));
    time.after(10, () => fired.push(`first@${time.now()}`));
    time.after(10, () => fired.push(`second@${time.now()}`));
    const cancel = time.after(15, () => fired.push('cancelled'));
    cancel();
    expect(fired).toEqual([]);
    time.advance(15);
    expect(fired).toEqual(['first@1010', 'second@1010']);
    expect(time.now()).toBe(1_015);
    expect(time.runNext()).toBe(true);
    expect(fired.at(-1)).toBe('late@1020');
    expect(time.runNext()).toBe(false);
  });

  it('runs timers that a timer adds within the same advance', () => {
    const time = createVirtualTime(0);
    const fired: number[] = [];
    time.after(5, () => {
      time.after(5, () => fired.push(time.monotonic()));
    });
    time.advance(10);
    expect(fired).toEqual([10]);
  });
});

describe('seeded random', () => {
  it('repeats exactly from the same seed and differs from another', () => {
    const draw = (seed: number): number[] => {
      const random = createSeededRandom(seed);
      return Array.from({ length: 16 }, () => random.next());
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('is roughly uniform', () => {
    const random = createSeededRandom(1);
    const buckets = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) buckets[Math.floor(random.next() * 10)]! += 1;
    for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});
