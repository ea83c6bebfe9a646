import type { Lease } from '@periplus/api/kinds';
import { createSeededRandom, createVirtualTime, type VirtualTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { createFakeApiClient, type FakeApiClient, unavailable } from '@periplus/client/api-client/testing';
import { fenceWrites, type Leadership } from './fenced-client.js';
import { createLeaderElection } from './leader-election.js';
import { settle } from './testing.js';

const leases = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', namespace: 'kube-system' };
const configMaps = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' };

let seed = 0;

function candidate(client: FakeApiClient, time: VirtualTime, identity: string) {
  seed += 1;
  const seen: string[] = [];
  let leadership: Leadership | undefined;
  const election = createLeaderElection({
    client,
    time,
    random: createSeededRandom(seed),
    logger: silentLogger,
    election: 'kube-scheduler',
    identity,
    onStartedLeading(won) {
      leadership = won;
      seen.push('leading');
    },
    onLost: (reason) => seen.push(`lost: ${reason}`),
  });
  return { election, seen, leadership: () => leadership };
}

function setUp() {
  const time = createVirtualTime(Date.UTC(2026, 0, 1));
  return { time, client: createFakeApiClient({ time }) };
}

const leaseOf = (client: FakeApiClient): Lease => client.objects<Lease>(leases)[0]!;

describe('leader election', () => {
  it('makes the Lease, leads, and renews every two seconds', async () => {
    const { time, client } = setUp();
    const a = candidate(client, time, 'a');
    a.election.start();
    await settle(time, 100);
    expect(a.seen).toEqual(['leading']);
    expect(leaseOf(client).spec).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.005000Z',
      renewTime: '2026-01-01T00:00:00.005000Z',
      leaseTransitions: 0,
    });
    await settle(time, 60_000, 100);
    expect(Date.parse(leaseOf(client).spec?.renewTime ?? '')).toBeGreaterThan(time.now() - 2_200);
    expect(a.seen).toEqual(['leading']);
  });

  it('lets one lead, and another only after the lease ran out', async () => {
    const { time, client } = setUp();
    const [a, b] = [candidate(client, time, 'a'), candidate(client, time, 'b')];
    a.election.start();
    await settle(time, 100);
    b.election.start();
    await settle(time, 30_000, 100);
    expect([a.seen, b.seen]).toEqual([['leading'], []]);
    const aDied = time.monotonic();
    client.intercept = ({ body }) =>
      (body as Lease | undefined)?.spec?.holderIdentity === 'a' ? unavailable() : undefined;
    await settle(time, 12_000, 100);
    expect(a.seen).toEqual(['leading', 'lost: the lease could not be renewed in time']);
    expect(b.seen).toEqual([]);
    await settle(time, 8_000, 100);
    expect(b.seen).toEqual(['leading']);
    expect(time.monotonic() - aDied).toBeGreaterThan(15_000);
    expect(leaseOf(client).spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  });

  it('takes over at once from its own earlier life, and fences that off', async () => {
    const { time, client } = setUp();
    const before = candidate(client, time, 'a');
    before.election.start();
    await settle(time, 100);
    const after = candidate(client, time, 'a');
    after.election.start();
    await settle(time, 100);
    expect(after.seen).toEqual(['leading']);
    const late = fenceWrites(client, before.leadership()!);
    await expect(
      late.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } }),
    ).rejects.toMatchObject({ reason: 'Conflict' });
    const current = fenceWrites(client, after.leadership()!);
    await current.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } });
    await settle(time, 10_000, 100);
    expect(before.seen).toEqual(['leading', 'lost: the lease was taken by another']);
    expect(after.election.isLeading()).toBe(true);
  });

  it('releases the lease on stop, so that the next one need not wait', async () => {
    const { time, client } = setUp();
    const [a, b] = [candidate(client, time, 'a'), candidate(client, time, 'b')];
    a.election.start();
    await settle(time, 100);
    b.election.start();
    await settle(time, 5_000, 100);
    await a.election.stop();
    expect(leaseOf(client).spec?.holderIdentity).toBe('');
    await settle(time, 3_000, 100);
    expect(b.seen).toEqual(['leading']);
    expect(a.seen).toEqual(['leading']);
  });

  it.each([
    { name: 'a leader', waitMs: 3_000 },
    { name: 'a candidate', waitMs: 0 },
  ])('ends soon on stop though the server never answers: $name', async ({ name, waitMs }) => {
    const { time, client } = setUp();
    const a = candidate(client, time, 'a');
    const never = (): Promise<never> => new Promise(() => undefined);
    if (name === 'a candidate') client.get = never;
    a.election.start();
    await settle(time, 100);
    client.update = never;
    await settle(time, 2_500, 100);
    let stopped = false;
    void a.election.stop().then(() => {
      stopped = true;
    });
    await settle(time, waitMs);
    expect(stopped).toBe(true);
  });

  it('stays leader when the answer to a renewal was lost', async () => {
    const { time, client } = setUp();
    const a = candidate(client, time, 'a');
    a.election.start();
    await settle(time, 100);
    const update = client.update;
    client.update = async (...call) => {
      client.update = update;
      await update(...call);
      throw unavailable();
    };
    await settle(time, 30_000, 100);
    expect(a.seen).toEqual(['leading']);
    expect(a.election.isLeading()).toBe(true);
  });

  it('outlives an outage shorter than the renewal deadline', async () => {
    const { time, client } = setUp();
    const a = candidate(client, time, 'a');
    a.election.start();
    await settle(time, 100);
    client.intercept = () => unavailable();
    await settle(time, 7_000, 100);
    client.intercept = undefined;
    await settle(time, 20_000, 100);
    expect(a.seen).toEqual(['leading']);
  });
});
