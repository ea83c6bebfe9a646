import { createSeededRandom, createVirtualTime } from '@periplus/base/clock';
import fc from 'fast-check';
import { createBackoff } from './backoff.js';
import { sleep, withDeadline } from './deadline.js';
import { createHeap } from './heap.js';

describe('heap', () => {
  it('gives back what was pushed, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (numbers) => {
        const heap = createHeap<number>((a, b) => a - b);
        for (const number of numbers) heap.push(number);
        const popped = Array.from({ length: numbers.length }, () => heap.pop());
        expect(popped).toEqual([...numbers].sort((a, b) => a - b));
        expect(heap.pop()).toBeUndefined();
      }),
    );
  });
});

describe('back-off', () => {
  it('doubles to its cap, keeps within its jitter, and starts over after a reset', () => {
    const backoff = createBackoff({ initialMs: 100, maxMs: 500, jitter: 0.5 }, createSeededRandom(3));
    for (const ceiling of [100, 200, 400, 500, 500]) {
      const delay = backoff.nextMs();
      expect(delay).toBeLessThanOrEqual(ceiling);
      expect(delay).toBeGreaterThanOrEqual(ceiling / 2);
    }
    backoff.reset();
    expect(backoff.nextMs()).toBeLessThanOrEqual(100);
  });
});

describe('deadlines', () => {
  it('rejects with what was waited for when time is up', async () => {
    const time = createVirtualTime(0);
    const waiting = withDeadline(time, 50, 'read the answer', new Promise(() => undefined));
    time.advance(50);
    await expect(waiting).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: 'read the answer: no answer within 50 ms',
    });
  });

  it('passes on a result and cancels its timer', async () => {
    const time = createVirtualTime(0);
    await expect(withDeadline(time, 50, 'x', Promise.resolve(1))).resolves.toBe(1);
    expect(time.nextDueMs()).toBeUndefined();
  });

  it('ends a sleep early when its signal aborts', async () => {
    const time = createVirtualTime(0);
    const controller = new AbortController();
    const sleeping = sleep(time, 1_000, controller.signal);
    controller.abort();
    await sleeping;
    expect(time.nextDueMs()).toBeUndefined();
  });
});
