import { conflict } from '@periplus/api/meta';
import { createSeededRandom, createVirtualTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { unavailable } from '@periplus/client/api-client/testing';
import { createController, type Reconciled } from './controller.js';
import { settle } from './testing.js';

function setUp(reconcile: (key: string, at: number) => Promise<Reconciled>, concurrency = 2) {
  const time = createVirtualTime(0);
  let sync: (synced: boolean) => void = () => undefined;
  const synced = new Promise<boolean>((resolve) => {
    sync = resolve;
  });
  const controller = createController({
    name: 'test',
    time,
    random: createSeededRandom(1),
    logger: silentLogger,
    concurrency,
    backoff: { initialMs: 10, maxMs: 60_000, jitter: 0 },
    waitFor: [{ whenSynced: () => synced }],
    reconcile: (key) => reconcile(key, time.monotonic()),
  });
  return { time, controller, sync };
}

describe('controller', () => {
  it('begins when the caches have synced', async () => {
    const seen: string[] = [];
    const { time, controller, sync } = setUp(async (key) => {
      seen.push(key);
      return undefined;
    });
    controller.start();
    controller.enqueue('a');
    await settle(time, 100);
    expect(seen).toEqual([]);
    sync(true);
    await settle(time, 100);
    expect(seen).toEqual(['a']);
  });

  it('works on so many keys at once, and never twice on one', async () => {
    let active = 0;
    let most = 0;
    const perKey = new Map<string, number>();
    const { time, controller, sync } = setUp(async (key) => {
      active += 1;
      most = Math.max(most, active);
      perKey.set(key, (perKey.get(key) ?? 0) + 1);
      if (key === 'a') controller.enqueue('a-again');
      await new Promise<void>((resolve) => time.after(10, resolve));
      active -= 1;
      return undefined;
    });
    sync(true);
    controller.start();
    for (const key of ['a', 'b', 'c', 'a', 'b']) controller.enqueue(key);
    await settle(time, 200);
    expect(most).toBe(2);
    expect([...perKey]).toEqual([
      ['a', 1],
      ['b', 1],
      ['c', 1],
      ['a-again', 1],
    ]);
  });

  it('comes back when the reconcile asks for it', async () => {
    const at: number[] = [];
    const { time, controller, sync } = setUp(async (_key, now) => {
      at.push(now);
      return at.length < 3 ? { requeueAfterMs: 1_000 } : undefined;
    });
    sync(true);
    controller.start();
    controller.enqueue('a');
    await settle(time, 5_000, 50);
    expect(at).toEqual([0, 1_000, 2_000]);
  });

  it.each([
    {
      name: 'a conflict doubles its delay',
      error: conflict({ group: '', resource: 'pods' }, 'a', 'x'),
      lastGap: 5_120,
    },
    { name: 'an outage waits a second at most', error: unavailable(), lastGap: 1_000 },
  ])('tries again after a failure: $name', async ({ error, lastGap }) => {
    const at: number[] = [];
    const { time, controller, sync } = setUp(async (_key, now) => {
      at.push(now);
      if (at.length <= 10) throw error;
      return undefined;
    });
    sync(true);
    controller.start();
    controller.enqueue('a');
    await settle(time, 30_000, 5);
    expect(at.length).toBe(11);
    expect(at[10]! - at[9]!).toBe(lastGap);
  });

  it('lets the work under way end on stop, and begins no other', async () => {
    const done: string[] = [];
    const { time, controller, sync } = setUp(async (key) => {
      await new Promise<void>((resolve) => time.after(100, resolve));
      done.push(key);
      return undefined;
    }, 1);
    sync(true);
    controller.start();
    controller.enqueue('a');
    controller.enqueue('b');
    await settle(time, 20);
    let stopped = false;
    void controller.stop().then(() => {
      stopped = true;
    });
    await settle(time, 20);
    expect(stopped).toBe(false);
    await settle(time, 1_000);
    expect(stopped).toBe(true);
    expect(done).toEqual(['a']);
  });
});
