import { createSeededRandom, createVirtualTime } from '@periplus/base/clock';
import { createWorkQueue } from './work-queue.js';

function setUp() {
  const time = createVirtualTime(0);
  let ready = 0;
  const queue = createWorkQueue({
    time,
    random: createSeededRandom(1),
    backoff: { initialMs: 5, maxMs: 1_000, jitter: 0 },
    onReady: () => {
      ready += 1;
    },
  });
  const takeAll = (): string[] => {
    const keys: string[] = [];
    for (let key = queue.take(); key !== undefined; key = queue.take()) keys.push(key);
    return keys;
  };
  return { time, queue, takeAll, ready: () => ready };
}

describe('work queue', () => {
  it('hands out each key once, in order', () => {
    const { queue, takeAll } = setUp();
    for (const key of ['b', 'a', 'b']) queue.add(key);
    expect(queue.size).toBe(2);
    expect(takeAll()).toEqual(['b', 'a']);
  });

  it('keeps a key back while it is worked on, and hands it out again after', () => {
    const { queue, takeAll } = setUp();
    queue.add('a');
    expect(queue.take()).toBe('a');
    queue.add('a');
    expect(takeAll()).toEqual([]);
    queue.done('a');
    expect(takeAll()).toEqual(['a']);
    queue.done('a');
    expect(takeAll()).toEqual([]);
  });

  it('adds a key at the earliest of its delays, once', () => {
    const { time, queue, takeAll } = setUp();
    queue.addAfter('a', 100);
    queue.addAfter('a', 50);
    queue.addAfter('a', 70);
    time.advance(49);
    expect(takeAll()).toEqual([]);
    time.advance(1);
    expect(takeAll()).toEqual(['a']);
    queue.done('a');
    time.advance(1_000);
    expect(takeAll()).toEqual([]);
  });

  it('doubles the delay with each failure up to the cap, until it is forgotten', () => {
    const { time, queue, takeAll } = setUp();
    const delays: number[] = [];
    for (let failure = 0; failure < 10; failure++) {
      const start = time.monotonic();
      queue.addAfterFailure('a');
      while (queue.size === 0) time.runNext();
      delays.push(time.monotonic() - start);
      takeAll();
      queue.done('a');
    }
    expect(delays).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 1_000, 1_000]);
    queue.forget('a');
    expect(queue.failures('a')).toBe(0);
    queue.addAfterFailure('a');
    time.advance(5);
    expect(takeAll()).toEqual(['a']);
  });

  it('lowers the cap of one failure when asked', () => {
    const { time, queue, takeAll } = setUp();
    for (let failure = 0; failure < 8; failure++) {
      queue.addAfterFailure('a', 20);
      time.advance(20);
      expect(takeAll()).toEqual(['a']);
      queue.done('a');
    }
  });

  it('is silent after stop', () => {
    const { time, queue, takeAll, ready } = setUp();
    queue.add('a');
    queue.addAfter('b', 10);
    queue.stop();
    time.advance(100);
    queue.add('c');
    expect(takeAll()).toEqual([]);
    expect(ready()).toBe(1);
  });
});
