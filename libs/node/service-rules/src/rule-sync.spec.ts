import { createSeededRandom, createVirtualTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import type { RuleSet, ServiceRule } from './rule-set.js';
import { createRuleSync } from './rule-sync.js';
import type { Flow } from './stale-flows.js';

const ruleSet = (...services: ServiceRule[]): RuleSet => ({
  clusterCidr: '10.1.0.0/16',
  serviceCidr: '10.96.0.0/16',
  services,
});

const dns = (address: string): ServiceRule => ({
  id: 'a/dns',
  protocol: 'UDP',
  affinitySeconds: undefined,
  pools: { cluster: [{ address, port: 53 }], local: [] },
  draining: [],
  frontends: [
    {
      kind: 'ClusterIP',
      address: '10.96.0.1',
      port: 53,
      outcome: { kind: 'spread', pool: 'cluster', masquerade: 'never' },
    },
  ],
});

function setUp() {
  const time = createVirtualTime(1_000_000);
  const state = { current: ruleSet(), fails: false, intact: true, writeMs: 0, flows: [] as Flow[], listings: 0 };
  const writes: { at: number; whole: boolean }[] = [];
  const forgotten: string[] = [];
  const sync = createRuleSync({
    plan: () => state.current,
    writer: {
      write: (_, whole) => {
        writes.push({ at: time.monotonic(), whole });
        const result = (): Promise<void> => (state.fails ? Promise.reject(new Error('no')) : Promise.resolve());
        if (state.writeMs === 0) return result();
        return new Promise((resolve, reject) => time.after(state.writeMs, () => result().then(resolve, reject)));
      },
      isIntact: () => Promise.resolve(state.intact),
      remove: () => Promise.resolve(),
    },
    flows: {
      listUdp: () => {
        state.listings += 1;
        return Promise.resolve(state.flows);
      },
      forgetUdp: ({ answerer }) => {
        forgotten.push(answerer);
        return Promise.resolve();
      },
    },
    time,
    random: createSeededRandom(1),
    logger: silentLogger,
  });
  /** Lets promises settle between the steps of time. */
  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 5) {
      time.advance(5);
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    }
  }
  return { time, state, writes, forgotten, sync, pass };
}

describe('keeping rules in step', () => {
  it('writes nothing before it is told', async () => {
    const { writes, pass, sync } = setUp();
    await pass(20_000);
    expect(writes).toEqual([]);
    expect(sync.status().lastUpdatedMs).toBeUndefined();
  });

  it('writes everything first, then by updates, changes within 50 ms together', async () => {
    const { writes, pass, sync } = setUp();
    sync.changed();
    await pass(200);
    for (let change = 0; change < 20; change++) {
      sync.changed();
      await pass(5);
    }
    await pass(200);
    expect(writes.map(({ whole }) => whole)).toEqual([true, false, false, false]);
    expect(writes.slice(1).map(({ at }) => at)).toEqual([205, 255, 305]);
    expect(sync.status()).toEqual({ lastUpdatedMs: 1_000_305, waitingMs: undefined });
  });

  it('does not lose a change that comes during a write, nor write two at once', async () => {
    const { state, writes, pass, sync } = setUp();
    state.writeMs = 300;
    sync.changed();
    await pass(100);
    sync.changed();
    sync.changed();
    await pass(150);
    expect(writes.length).toBe(1);
    await pass(1_000);
    expect(writes.length).toBe(2);
  });

  it('tries again after a failure, further and further apart, with everything', async () => {
    const { state, writes, pass, sync } = setUp();
    sync.changed();
    await pass(100);
    state.fails = true;
    sync.changed();
    await pass(2_000);
    const tries = writes.length;
    expect(tries).toBeGreaterThan(4);
    expect(tries).toBeLessThan(12);
    expect(writes.slice(2).every(({ whole }) => whole)).toBe(true);
    expect(sync.status().waitingMs).toBeGreaterThan(1_000);
    state.fails = false;
    await pass(5_000);
    expect(sync.status().waitingMs).toBeUndefined();
  });

  it('writes everything within 5 s of another tool taking it away, and else every few minutes', async () => {
    const { state, writes, pass, sync } = setUp();
    sync.changed();
    await pass(60_000);
    expect(writes.length).toBe(1);
    state.intact = false;
    await pass(5_000);
    state.intact = true;
    expect(writes.map(({ whole }) => whole)).toEqual([true, true]);
    await pass(200_000);
    expect(writes.map(({ whole }) => whole)).toEqual([true, true, true]);
  });

  it('forgets UDP flows to endpoints that went, and looks for them only when UDP services changed', async () => {
    const { state, forgotten, pass, sync } = setUp();
    state.flows = [{ destination: '10.96.0.1', destinationPort: 53, answerer: '10.1.0.1', answererPort: 53 }];
    state.current = ruleSet(dns('10.1.0.1'));
    sync.changed();
    await pass(100);
    expect(forgotten).toEqual([]);
    state.current = ruleSet(dns('10.1.0.1'));
    sync.changed();
    await pass(100);
    expect(state.listings).toBe(1);
    state.current = ruleSet(dns('10.1.0.2'));
    sync.changed();
    await pass(100);
    expect(forgotten).toEqual(['10.1.0.1']);
  });

  it('writes nothing after it was stopped', async () => {
    const { writes, pass, sync } = setUp();
    sync.changed();
    await sync.stop();
    sync.changed();
    await pass(10_000);
    expect(writes).toEqual([]);
  });
});
