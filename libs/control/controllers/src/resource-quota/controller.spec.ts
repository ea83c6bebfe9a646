import { builtinSchema, type ResourceQuota } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import * as resources from '../shared/resources.js';
import { createControllerHarness } from '../testing.js';
import { createResourceQuotaController } from './controller.js';

const target = { ...resources.resourceQuotas, namespace: 'ns', name: 'q' };

async function start(hard: Record<string, string>) {
  const harness = createControllerHarness();
  harness.start(createResourceQuotaController(harness.context, builtinSchema));
  await harness.create(resources.resourceQuotas, {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'q', namespace: 'ns' },
    spec: { hard },
  } as KubeObject);
  await harness.pass(1_000);
  return {
    harness,
    status: () => harness.client.objects<ResourceQuota>(resources.resourceQuotas)[0]!.status,
    configMap: (name: string) =>
      harness.create(resources.configMaps, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace: 'ns' },
      }),
    remove: (name: string) => harness.client.delete({ ...resources.configMaps, namespace: 'ns', name }),
    charge: (used: Record<string, string>) =>
      harness.client.patch({ ...target, subresource: 'status' }, 'merge', { status: { used } }),
  };
}

describe('the status of a quota', () => {
  it('(row 79) is there soon, and counts the quota itself', async () => {
    const { status } = await start({ resourcequotas: '2', pods: '5', 'count/widgets.example.com': '1' });
    expect(status()).toEqual({
      hard: { resourcequotas: '2', pods: '5', 'count/widgets.example.com': '1' },
      used: { resourcequotas: '1', pods: '0', 'count/widgets.example.com': '0' },
    });
  });

  it('(rows 73, 77) follows what is made and deleted', async () => {
    const { harness, status, configMap, remove } = await start({ configmaps: '5', 'count/configmaps': '5' });
    await configMap('a');
    await configMap('b');
    await harness.pass(1_000);
    expect(status()?.used).toEqual({ configmaps: '2', 'count/configmaps': '2' });
    await remove('a');
    await harness.pass(8_000, 50);
    expect(status()?.used).toEqual({ configmaps: '1', 'count/configmaps': '1' });
  });

  it('(row 71) comes back to the spec after somebody else wrote it', async () => {
    const { harness, status } = await start({ configmaps: '5' });
    await harness.client.patch({ ...target, subresource: 'status' }, 'merge', {
      status: { hard: { configmaps: '9' } },
    });
    await harness.pass(1_000);
    expect(status()?.hard).toEqual({ configmaps: '5' });
  });

  it('leaves a charge alone until what was charged for has had time to appear, then takes it back', async () => {
    const { harness, status, charge } = await start({ configmaps: '5' });
    await charge({ configmaps: '3' });
    await harness.pass(4_000, 50);
    expect(status()?.used).toEqual({ configmaps: '3' });
    await harness.pass(4_000, 50);
    expect(status()?.used).toEqual({ configmaps: '0' });
  });

  it('follows the spec', async () => {
    const { harness, status } = await start({ configmaps: '5' });
    await harness.client.patch(target, 'merge', { spec: { hard: { secrets: '1', configmaps: null } } });
    await harness.pass(1_000);
    expect(status()).toEqual({ hard: { secrets: '1' }, used: { secrets: '0' } });
  });

  it('is not written when nothing changes', async () => {
    const { harness } = await start({ configmaps: '5' });
    const calls = harness.client.calls.length;
    await harness.pass(700_000, 1_000);
    expect(harness.client.calls).toHaveLength(calls);
  });
});
