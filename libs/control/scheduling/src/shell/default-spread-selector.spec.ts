import type { ReplicaSet, Service } from '@periplus/api/kinds';
import { formatLabelSelector } from '@periplus/api/meta';
import { createSchedulerHarness, sketchNode, sketchPod } from '../testing.js';
import { defaultSpreadSelector } from './default-spread-selector.js';

const service = (name: string, selector: Record<string, string> | undefined): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { ...(selector === undefined ? {} : { selector }) },
});
const replicaSet: ReplicaSet = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name: 'web-1', namespace: 'default' },
  spec: {
    selector: { matchExpressions: [{ key: 'hash', operator: 'In', values: ['1'] }] },
    template: { spec: { containers: [] } },
  },
};
const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: 'u', controller: true };

async function sources() {
  const harness = createSchedulerHarness();
  const services = { group: '', version: 'v1', resource: 'services' };
  await harness.create(services, service('web', { app: 'web' }));
  await harness.create(services, service('other', { app: 'other' }));
  await harness.create(services, service('headless', undefined));
  await harness.create({ group: 'apps', version: 'v1', resource: 'replicasets' }, replicaSet);
  await harness.pass(200);
  return harness;
}

describe('the pods that a pod without constraints is spread from', () => {
  it.each([
    { name: 'nobody, when nothing selects it', pod: sketchPod('p'), expected: undefined },
    { name: 'those of its Service', pod: sketchPod('p', { labels: { app: 'web' } }), expected: 'app=web' },
    {
      name: 'those of its owner',
      pod: sketchPod('p', { labels: { hash: '1' }, metadata: { ownerReferences: [owner] } }),
      expected: 'hash in (1)',
    },
    {
      name: 'those of both',
      pod: sketchPod('p', { labels: { app: 'web', hash: '1' }, metadata: { ownerReferences: [owner] } }),
      expected: 'hash in (1),app=web',
    },
    {
      name: 'nobody, when its owner is gone',
      pod: sketchPod('p', { metadata: { ownerReferences: [{ ...owner, name: 'gone' }] } }),
      expected: undefined,
    },
    {
      name: 'nobody, when the Service is in another namespace',
      pod: sketchPod('p', { namespace: 'far', labels: { app: 'web' } }),
      expected: undefined,
    },
  ])('$name', async ({ pod, expected }) => {
    const { informers } = await sources();
    const selector = defaultSpreadSelector(pod, informers);
    expect(selector === undefined ? undefined : formatLabelSelector(selector)).toBe(expected);
  });

  it('spreads the pods of a Service over zones, however many hosts each has', async () => {
    const harness = await sources();
    const zone = (name: string, value: string) =>
      sketchNode(name, { labels: { 'topology.kubernetes.io/zone': value } });
    await harness.createNodes(zone('a1', 'a'), zone('a2', 'a'), zone('a3', 'a'), zone('b1', 'b'));
    await harness.createPods(
      ...['p1', 'p2'].map((name) => sketchPod(name, { labels: { app: 'web' }, requests: { cpu: '10m' } })),
    );
    await harness.pass(500);
    const onB = Object.values(harness.placements()).filter((node) => node === 'b1');
    expect(onB).toHaveLength(1);
  });
});
