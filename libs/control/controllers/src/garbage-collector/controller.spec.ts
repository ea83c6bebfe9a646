import type { KubeObject, OwnerReference } from '@periplus/api/meta';
import type { SweptResource } from '../shared/served-resources.js';
import { type ControllerHarness, createControllerHarness } from '../testing.js';
import { createGarbageCollector } from './controller.js';

const deployments: SweptResource = {
  group: 'apps',
  version: 'v1',
  resource: 'deployments',
  kind: 'Deployment',
  namespaced: true,
};
const replicaSets: SweptResource = {
  group: 'apps',
  version: 'v1',
  resource: 'replicasets',
  kind: 'ReplicaSet',
  namespaced: true,
};
const pods: SweptResource = { group: '', version: 'v1', resource: 'pods', kind: 'Pod', namespaced: true };
const nodes: SweptResource = { group: '', version: 'v1', resource: 'nodes', kind: 'Node', namespaced: false };

function setUp() {
  const harness = createControllerHarness();
  harness.start(createGarbageCollector(harness.context, [deployments, replicaSets, pods, nodes]));
  const make = (resource: SweptResource, name: string, owners: readonly OwnerReference[] = [], namespace = 'default') =>
    harness.create<KubeObject>(resource, {
      apiVersion: resource.group === '' ? 'v1' : `${resource.group}/v1`,
      kind: resource.kind,
      metadata: { name, ...(resource.namespaced ? { namespace } : {}), ownerReferences: [...owners] },
    });
  return { harness, make };
}

const ownedBy = (owner: KubeObject, extra: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: owner.apiVersion ?? '',
  kind: owner.kind ?? '',
  name: owner.metadata?.name ?? '',
  uid: owner.metadata?.uid ?? '',
  ...extra,
});

const names = (harness: ControllerHarness, ...resources: SweptResource[]): string[] =>
  resources.flatMap((resource) => harness.client.objects(resource).map(({ metadata }) => metadata?.name ?? ''));

const at = (resource: SweptResource, name: string) => ({ ...resource, namespace: 'default', name });

describe('garbage collector', () => {
  it('deletes what a deleted owner leaves behind, down the line', async () => {
    const { harness, make } = setUp();
    const deployment = await make(deployments, 'd');
    const replicaSet = await make(replicaSets, 'rs', [ownedBy(deployment)]);
    for (const name of ['p1', 'p2']) await make(pods, name, [ownedBy(replicaSet)]);
    await make(pods, 'alone');
    await harness.pass(3_000);
    expect(names(harness, replicaSets, pods)).toEqual(['rs', 'p1', 'p2', 'alone']);
    await harness.client.delete(at(deployments, 'd'));
    await harness.pass(3_000);
    expect(names(harness, replicaSets, pods)).toEqual(['alone']);
  });

  it('goes by the uid: an owner made anew under the old name owns nothing', async () => {
    const { harness, make } = setUp();
    const before = await make(replicaSets, 'rs');
    await harness.client.delete(at(replicaSets, 'rs'));
    await make(replicaSets, 'rs');
    await make(pods, 'p', [ownedBy(before)]);
    await harness.pass(3_000);
    expect(names(harness, pods)).toEqual([]);
  });

  it('keeps what has another owner, which forgets the one that went', async () => {
    const { harness, make } = setUp();
    const [gone, stays] = [await make(replicaSets, 'gone'), await make(replicaSets, 'stays')];
    await make(pods, 'p', [ownedBy(gone), ownedBy(stays)]);
    await harness.pass(3_000);
    await harness.client.delete(at(replicaSets, 'gone'));
    await harness.pass(3_000);
    const [pod] = harness.client.objects(pods);
    expect(pod?.metadata?.ownerReferences?.map(({ name }) => name)).toEqual(['stays']);
  });

  it('keeps the dependents of an owner that is deleted as Orphan', async () => {
    const { harness, make } = setUp();
    const owner = await make(replicaSets, 'rs');
    await make(pods, 'p', [ownedBy(owner)]);
    await harness.pass(3_000);
    await harness.client.delete(at(replicaSets, 'rs'), { propagationPolicy: 'Orphan' });
    await harness.pass(5_000);
    expect(names(harness, replicaSets, pods)).toEqual(['p']);
    expect(harness.client.objects(pods)[0]?.metadata?.ownerReferences).toBeUndefined();
  });

  it('lets an owner deleted in the foreground go after its blocking dependents', async () => {
    const { harness, make } = setUp();
    const owner = await make(replicaSets, 'rs');
    await make(pods, 'p', [ownedBy(owner, { blockOwnerDeletion: true })]);
    await harness.client.patch(at(pods, 'p'), 'merge', { metadata: { finalizers: ['example.com/hold'] } });
    await harness.pass(3_000);
    await harness.client.delete(at(replicaSets, 'rs'), { propagationPolicy: 'Foreground' });
    await harness.pass(5_000);
    expect(names(harness, replicaSets, pods)).toEqual(['rs', 'p']);
    await harness.client.patch(at(pods, 'p'), 'merge', { metadata: { finalizers: null } });
    const held = harness.client.objects(pods)[0];
    if (held !== undefined) await harness.client.delete(at(pods, 'p'));
    await harness.pass(5_000);
    expect(names(harness, replicaSets, pods)).toEqual([]);
  });

  it('comes to an end with owners in a circle', async () => {
    const { harness, make } = setUp();
    const [a, b, c] = [await make(pods, 'a'), await make(pods, 'b'), await make(pods, 'c')];
    const blocking = { blockOwnerDeletion: true };
    const links: [string, KubeObject][] = [
      ['a', c],
      ['b', a],
      ['c', b],
    ];
    for (const [name, owner] of links)
      await harness.client.patch(at(pods, name), 'merge', {
        metadata: { ownerReferences: [ownedBy(owner, blocking)] },
      });
    await harness.pass(3_000);
    await harness.client.delete(at(pods, 'a'), { propagationPolicy: 'Foreground' });
    await harness.pass(20_000);
    expect(names(harness, pods)).toEqual([]);
  });

  it.each([
    {
      name: 'takes an owner in another namespace for absent',
      owner: deployments,
      ownerNamespace: 'other',
      dependent: pods,
      left: [],
    },
    {
      name: 'lets a cluster-scoped owner own in any namespace',
      owner: nodes,
      ownerNamespace: '',
      dependent: pods,
      left: ['x'],
    },
    {
      name: 'never collects a cluster-scoped object for a namespaced owner',
      owner: deployments,
      ownerNamespace: 'other',
      dependent: nodes,
      left: ['x'],
    },
  ])('$name', async ({ owner, ownerNamespace, dependent, left }) => {
    const { harness, make } = setUp();
    const made = await make(owner, 'owner', [], ownerNamespace);
    await make(dependent, 'x', [ownedBy(made)]);
    await harness.pass(5_000);
    expect(names(harness, dependent).filter((name) => name === 'x')).toEqual(left);
  });

  it('leaves alone what is owned by a kind it does not know', async () => {
    const { harness, make } = setUp();
    await make(pods, 'p', [{ apiVersion: 'example.com/v1', kind: 'Widget', name: 'w', uid: 'w' }]);
    await harness.pass(5_000);
    expect(names(harness, pods)).toEqual(['p']);
  });
});
