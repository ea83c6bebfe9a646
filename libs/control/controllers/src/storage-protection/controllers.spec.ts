import type { PersistentVolume, PersistentVolumeClaim } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import * as resources from '../shared/resources.js';
import { createControllerHarness } from '../testing.js';
import { createClaimProtectionController } from './claim-controller.js';
import { createVolumeProtectionController } from './volume-controller.js';

async function start(claim = 'c') {
  const harness = createControllerHarness();
  const { client, context } = harness;
  harness.start(createClaimProtectionController(context), createVolumeProtectionController(context));
  await harness.create(resources.persistentVolumeClaims, {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: claim, namespace: 'ns', finalizers: ['kubernetes.io/pvc-protection', 'mine.example.com/f'] },
  } as KubeObject);
  const target = { ...resources.persistentVolumeClaims, namespace: 'ns', name: claim };
  return {
    harness,
    client,
    finalizers: () => client.objects<PersistentVolumeClaim>(resources.persistentVolumeClaims)[0]?.metadata?.finalizers,
    removeClaim: () => client.delete(target),
    pod: async (name: string, nodeName: string, volume: object, phase = 'Running') => {
      await harness.create(resources.pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'ns' },
        spec: { nodeName, containers: [], volumes: [volume] },
      } as KubeObject);
      const target = { ...resources.pods, namespace: 'ns', name, subresource: 'status' };
      await client.patch(target, 'merge', { status: { phase } });
    },
  };
}

const mount = { name: 'v', persistentVolumeClaim: { claimName: 'c' } };

describe('a claim', () => {
  it('(row 395) that nobody uses loses its own finalizer, and no other, once it is deleted', async () => {
    const { harness, finalizers, removeClaim } = await start();
    await harness.pass(500);
    expect(finalizers()).toHaveLength(2);
    await removeClaim();
    await harness.pass(500);
    expect(finalizers()).toEqual(['mine.example.com/f']);
  });

  it.each([
    ['mounts it', 'p', 'c', mount],
    ['has it as an ephemeral volume', 'p', 'p-v', { name: 'v', ephemeral: {} }],
  ])('stays while a pod %s', async (_name, name, claim, volume) => {
    const { harness, client, finalizers, removeClaim, pod } = await start(claim);
    await pod(name, 'n1', volume);
    await removeClaim();
    await harness.pass(500);
    expect(finalizers()).toHaveLength(2);
    await client.delete({ ...resources.pods, namespace: 'ns', name }, { gracePeriodSeconds: 0 });
    await harness.pass(500);
    expect(finalizers()).toHaveLength(1);
  });

  it.each([
    ['no node has', '', 'Pending'],
    ['has ended', 'n1', 'Succeeded'],
  ])('is not held by a pod that %s', async (_name, node, phase) => {
    const { harness, finalizers, removeClaim, pod } = await start();
    await pod('p', node, mount, phase);
    await removeClaim();
    await harness.pass(500);
    expect(finalizers()).toHaveLength(1);
  });
});

describe('a volume', () => {
  it.each([
    ['stays while it is bound', 'Bound', ['kubernetes.io/pv-protection']],
    ['goes when it is not', 'Available', undefined],
  ])('%s', async (_name, phase, finalizers) => {
    const { harness, client } = await start();
    const metadata = { name: 'v', finalizers: ['kubernetes.io/pv-protection'] };
    await harness.create(resources.persistentVolumes, {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata,
      status: { phase },
    } as KubeObject);
    await client.delete({ ...resources.persistentVolumes, namespace: '', name: 'v' });
    await harness.pass(500);
    expect(client.objects<PersistentVolume>(resources.persistentVolumes)[0]?.metadata?.finalizers).toEqual(finalizers);
  });
});
