import type { Lease, Pod } from '@periplus/api/kinds';
import { createSeededRandom, createVirtualTime, type VirtualTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { createFakeApiClient, type FakeApiClient } from '@periplus/client/api-client/testing';
import { settle } from '@periplus/client/reconcile/testing';
import { nodesResource, podsResource, sketchNode, sketchPod } from '@periplus/control/scheduling/testing';
import { Registry } from 'prom-client';
import { createSchedulerService, type SchedulerService } from './wiring.js';

const leases = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', namespace: 'kube-system' };

interface Instance {
  readonly service: SchedulerService;
  readonly registry: Registry;
  readonly lost: string[];
}

function run(time: VirtualTime, client: FakeApiClient, identity: string): Instance {
  const registry = new Registry();
  const lost: string[] = [];
  const service = createSchedulerService({
    client,
    identity,
    schedulerName: 'default-scheduler',
    time,
    random: createSeededRandom(identity.length),
    logger: silentLogger,
    registry,
    onLost: (reason) => void lost.push(reason),
  });
  service.start();
  return { service, registry, lost };
}

async function createCluster() {
  const time = createVirtualTime(Date.UTC(2026, 0, 1));
  const client = createFakeApiClient({ time });
  const node = sketchNode('n1');
  await client.create({ ...nodesResource, namespace: '' }, node);
  const target = { ...nodesResource, namespace: '', name: 'n1', subresource: 'status' };
  await client.patch(target, 'merge', { status: node.status });
  const createPod = (name: string) =>
    client.create({ ...podsResource, namespace: 'default' }, sketchPod(name, { requests: { cpu: '100m' } }));
  const nodeOf = (name: string): string =>
    client.objects<Pod>(podsResource).find(({ metadata }) => metadata?.name === name)?.spec?.nodeName ?? '';
  const holder = (): string | undefined => client.objects<Lease>(leases)[0]?.spec?.holderIdentity;
  return { time, client, createPod, nodeOf, holder };
}

const bindingsOf = (client: FakeApiClient) =>
  client.calls.filter(({ verb, target }) => verb === 'create' && target.subresource === 'binding');

describe('the scheduler service', () => {
  it('binds pods under its leadership, and says so in its metrics', async () => {
    const { time, client, createPod, nodeOf, holder } = await createCluster();
    const { service, registry } = run(time, client, 'one');
    await createPod('a');
    await settle(time, 3_000, 10);
    expect(nodeOf('a')).toBe('n1');
    expect(holder()).toBe('one');
    const [binding] = bindingsOf(client);
    expect(binding?.context?.fence?.election).toBe('kube-scheduler');
    expect(binding?.context?.cause?.key).toEqual({ group: '', resource: 'pods', namespace: 'default', name: 'a' });
    const metrics = await registry.metrics();
    expect(metrics).toContain('scheduler_schedule_attempts_total{result="scheduled",profile="default-scheduler"} 1');
    expect(metrics).toContain('scheduler_pending_pods{queue="active"} 0');
    expect(metrics).toContain('leader_election_master_status{name="kube-scheduler"} 1');
    expect(() => service.checkHealth()).not.toThrow();
  });

  it('stands by while another leads, and takes over when that one stops', async () => {
    const { time, client, createPod, nodeOf, holder } = await createCluster();
    const first = run(time, client, 'one');
    await settle(time, 1_000, 10);
    const second = run(time, client, 'two');
    await settle(time, 5_000, 10);
    expect([first.service.isLeading(), second.service.isLeading()]).toEqual([true, false]);
    const stopped = first.service.stop();
    await settle(time, 5_000, 10);
    await stopped;
    expect(holder()).toBe('two');
    await createPod('a');
    await settle(time, 1_000, 10);
    expect(nodeOf('a')).toBe('n1');
  });

  it('takes over at once when it finds its own identity in the lease', async () => {
    const { time, client, createPod, nodeOf } = await createCluster();
    run(time, client, 'one');
    await settle(time, 1_000, 10);
    const restarted = run(time, client, 'one');
    await settle(time, 1_000, 10);
    expect(restarted.service.isLeading()).toBe(true);
    await createPod('a');
    await settle(time, 1_000, 10);
    expect(nodeOf('a')).toBe('n1');
    const landed = bindingsOf(client).at(-1);
    expect(landed?.context?.fence?.revision).toBeGreaterThan(1);
  });

  it('says when its leadership is lost', async () => {
    const { time, client } = await createCluster();
    const { lost } = run(time, client, 'one');
    await settle(time, 1_000, 10);
    await client.patch({ ...leases, name: 'kube-scheduler' }, 'merge', { spec: { holderIdentity: 'thief' } });
    await settle(time, 5_000, 10);
    expect(lost).toEqual(['the lease was taken by another']);
  });
});
