import type { Endpoints, EndpointSlice, Service } from '@periplus/api/kinds';
import { createEndpointsController } from '../endpoints/controller.js';
import * as resources from '../shared/resources.js';
import { createControllerHarness, runPods } from '../testing.js';
import { createEndpointSliceController } from './controller.js';

const service: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default' },
  spec: { selector: { app: 'web' }, clusterIP: '10.96.0.1', ports: [{ port: 80 }] },
};
const pod = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels: { app: 'web' } },
  spec: { containers: [{ name: 'c', image: 'v1' }] },
});

describe('endpoint controllers', () => {
  it.each([{ watchDelayMs: 1 }, { watchDelayMs: 200 }])(
    'follow pods and Service with a cache $watchDelayMs ms late',
    async ({ watchDelayMs }) => {
      const harness = createControllerHarness({ watchDelayMs });
      runPods(harness);
      harness.start(createEndpointSliceController(harness.context), createEndpointsController(harness.context));
      await harness.create(resources.services, service);
      for (const name of ['a', 'b', 'c']) await harness.create(resources.pods, pod(name));
      await harness.pass(4_000);
      const slices = () => harness.client.objects<EndpointSlice>(resources.endpointSlices);
      const names = () => slices().flatMap(({ endpoints }) => endpoints?.map(({ targetRef }) => targetRef?.name) ?? []);
      expect(slices().length).toBe(1);
      expect(names().sort()).toEqual(['a', 'b', 'c']);
      await harness.client.delete({ ...resources.pods, namespace: 'default', name: 'b' });
      await harness.pass(4_000);
      expect(names().sort()).toEqual(['a', 'c']);
      const legacy = harness.client.objects<Endpoints>(resources.endpoints);
      expect(legacy[0]?.subsets?.[0]?.addresses?.map(({ targetRef }) => targetRef?.name).sort()).toEqual(['a', 'c']);
      await harness.client.delete({ ...resources.services, namespace: 'default', name: 'web' });
      await harness.pass(2_000);
      expect(harness.client.objects(resources.endpoints)).toEqual([]);
    },
  );

  it('leave Services without a selector, and hand-made Endpoints, alone', async () => {
    const harness = createControllerHarness();
    harness.start(createEndpointSliceController(harness.context), createEndpointsController(harness.context));
    const { selector: _selector, ...spec } = service.spec ?? {};
    await harness.create(resources.services, { ...service, spec } as Service);
    await harness.create(resources.endpoints, { metadata: { name: 'web', namespace: 'default' } });
    await harness.create(resources.endpoints, { metadata: { name: 'alone', namespace: 'default' } });
    harness.client.calls.length = 0;
    await harness.pass(2_000);
    expect(harness.client.calls.filter(({ verb }) => verb !== 'list' && verb !== 'watch')).toEqual([]);
  });
});
