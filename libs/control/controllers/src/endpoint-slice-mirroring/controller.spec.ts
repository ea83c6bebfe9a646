import type { Endpoints, EndpointSlice } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import { isDeleting, nameOf } from '../shared/identity.js';
import * as resources from '../shared/resources.js';
import { createControllerHarness } from '../testing.js';
import { createEndpointSliceMirroringController } from './controller.js';

const target = { ...resources.endpoints, namespace: 'ns', name: 's' };
const subset = (...ips: string[]) => ({
  addresses: ips.map((ip) => ({ ip })),
  ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
});

async function start(spec: object, metadata: object, ...subsets: object[]) {
  const harness = createControllerHarness();
  harness.start(createEndpointSliceMirroringController(harness.context));
  await harness.create(resources.services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 's', namespace: 'ns' },
    spec: { ports: [{ port: 80 }], ...spec },
  } as KubeObject);
  await harness.create(resources.endpoints, {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 's', namespace: 'ns', ...metadata },
    subsets,
  } as Endpoints & KubeObject);
  await harness.pass(500);
  const slices = () =>
    harness.client.objects<EndpointSlice>(resources.endpointSlices).filter((slice) => !isDeleting(slice));
  const addresses = () => slices().flatMap(({ endpoints }) => endpoints!.flatMap((endpoint) => endpoint.addresses));
  return { harness, slices, addresses };
}

describe('Endpoints of a Service without a selector', () => {
  it('(row 203) are copied to a slice, which follows them and goes with them', async () => {
    const { harness, slices, addresses } = await start({}, { labels: { a: 'b' } }, subset('10.1.2.3'));
    expect(slices()).toHaveLength(1);
    expect(slices()[0]).toMatchObject({
      metadata: {
        labels: {
          a: 'b',
          'kubernetes.io/service-name': 's',
          'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
        },
        ownerReferences: [{ kind: 'Endpoints', name: 's' }],
      },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
      endpoints: [{ addresses: ['10.1.2.3'], conditions: { ready: true } }],
    });
    const [first] = slices();
    await harness.client.patch(target, 'merge', { subsets: [subset('10.2.3.4', '10.2.3.5')] });
    await harness.pass(500);
    expect(addresses()).toEqual(['10.2.3.4', '10.2.3.5']);
    expect(slices().map(nameOf)).toEqual([nameOf(first!)]);
    await harness.client.delete(target);
    await harness.pass(500);
    expect(slices()).toEqual([]);
  });

  it('fill a slice for each family and set of ports, a hundred addresses in each', async () => {
    const many = Array.from({ length: 150 }, (_, index) => `10.0.${index}.1`);
    const { slices } = await start({}, {}, subset(...many, 'fd00::1'), {
      ...subset('10.9.9.9'),
      ports: [{ port: 81 }],
    });
    const shape = slices().map(({ addressType, ports, endpoints }) => [
      addressType,
      ports![0]!.port,
      endpoints!.length,
    ]);
    expect(shape.sort()).toEqual(
      [
        ['IPv4', 80, 100],
        ['IPv4', 80, 50],
        ['IPv4', 81, 1],
        ['IPv6', 80, 1],
      ].sort(),
    );
  });

  it('that are not ready say so', async () => {
    const { slices } = await start({}, {}, { notReadyAddresses: [{ ip: '10.1.1.1' }], ports: [{ port: 1 }] });
    expect(slices()[0]?.endpoints?.[0]?.conditions).toEqual({ ready: false });
  });

  it.each([
    ['of a Service with a selector', { selector: { a: 'b' } }, {}],
    ['that ask not to be', {}, { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }],
    ['that are a lock', {}, { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } }],
  ])('%s are not copied', async (_name, spec, metadata) => {
    const { slices } = await start(spec, metadata, subset('10.1.1.1'));
    expect(slices()).toEqual([]);
  });

  it('are written once', async () => {
    const { harness } = await start({}, {}, subset('10.1.1.1'));
    const calls = harness.client.calls.length;
    await harness.pass(60_000, 1_000);
    expect(harness.client.calls).toHaveLength(calls);
  });
});
