import type { EndpointSlice, Pod, Service } from '@periplus/api/kinds';
import { MANAGED_BY, planSlices, type SlicePlan } from './plan.js';

const service = (spec: Partial<NonNullable<Service['spec']>> = {}, labels?: Record<string, string>): Service => ({
  metadata: { name: 'web', namespace: 'default', uid: 's', ...(labels ? { labels } : {}) },
  spec: { selector: { app: 'web' }, clusterIP: '10.96.0.1', ports: [{ port: 80, targetPort: 'http' }], ...spec },
});

interface PodShape {
  readonly ready?: boolean;
  readonly deleting?: boolean;
  readonly phase?: string;
  readonly port?: number | null;
  readonly ips?: string[];
  readonly hostname?: string;
}

function pod(name: string, shape: PodShape = {}): Pod {
  const {
    ready = true,
    deleting,
    phase = 'Running',
    port = 8080,
    ips = [`10.244.0.${name.slice(1)}`],
    hostname,
  } = shape;
  return {
    metadata: {
      name,
      namespace: 'default',
      uid: name,
      ...(deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: {
      nodeName: 'n1',
      containers: [{ name: 'c', ...(port === null ? {} : { ports: [{ name: 'http', containerPort: port }] }) }],
      ...(hostname === undefined ? {} : { hostname, subdomain: 'web' }),
    },
    status: {
      phase,
      ...(ips[0] === undefined ? {} : { podIP: ips[0] }),
      podIPs: ips.map((ip) => ({ ip })),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: '2026-01-01T00:00:05Z' }],
    },
  };
}

const pods = (count: number, from = 1): Pod[] =>
  Array.from({ length: count }, (_, index) =>
    pod(`p${from + index}`, { ips: [`10.0.${(from + index) >> 8}.${(from + index) & 255}`] }),
  );

const plan = (object: Service, list: readonly Pod[], slices: readonly EndpointSlice[] = []): SlicePlan =>
  planSlices({ service: object, pods: list, slices, zoneOf: (node) => (node === 'n1' ? 'zone-a' : undefined) });

let made = 0;
const stored = (slice: EndpointSlice): EndpointSlice => {
  made += 1;
  return { ...slice, metadata: { ...slice.metadata, name: `web-${made}`, uid: `slice-${made}`, resourceVersion: '1' } };
};
const sizesOf = (slices: readonly EndpointSlice[]): number[] => slices.map((slice) => slice.endpoints?.length ?? 0);

describe('endpoint slices', () => {
  it('describe each pod', () => {
    const { create } = plan(service(), [pod('p1')]);
    expect(create).toEqual([
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          generateName: 'web-',
          namespace: 'default',
          labels: { 'kubernetes.io/service-name': 'web', 'endpointslice.kubernetes.io/managed-by': MANAGED_BY },
          annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:05Z' },
          ownerReferences: [
            { apiVersion: 'v1', kind: 'Service', name: 'web', uid: 's', controller: true, blockOwnerDeletion: true },
          ],
        },
        addressType: 'IPv4',
        endpoints: [
          {
            addresses: ['10.244.0.1'],
            conditions: { ready: true, serving: true, terminating: false },
            targetRef: { kind: 'Pod', namespace: 'default', name: 'p1', uid: 'p1' },
            nodeName: 'n1',
            zone: 'zone-a',
          },
        ],
        ports: [{ name: '', protocol: 'TCP', port: 8080 }],
      },
    ]);
  });

  it.each([
    { name: 'not ready', shape: { ready: false }, conditions: { ready: false, serving: false, terminating: false } },
    {
      name: 'going, still serving',
      shape: { deleting: true },
      conditions: { ready: false, serving: true, terminating: true },
    },
    {
      name: 'not ready, published all the same',
      shape: { ready: false },
      spec: { publishNotReadyAddresses: true },
      conditions: { ready: true, serving: false, terminating: false },
    },
  ])('say how the pod is: $name', ({ shape, spec, conditions }) => {
    expect(plan(service(spec), [pod('p1', shape)]).create[0]?.endpoints?.[0]?.conditions).toEqual(conditions);
  });

  it.each([
    { name: 'has no address', shape: { ips: [] } },
    { name: 'has failed', shape: { phase: 'Failed' } },
    { name: 'has none of the ports', shape: { port: null } },
  ])('leave out a pod that $name', ({ shape }) => {
    expect(sizesOf(plan(service(), [pod('p1'), pod('p2', shape)]).create)).toEqual([1]);
  });

  it('give pods with another number behind the port’s name a slice of their own', () => {
    const { create } = plan(service(), [pod('p1'), pod('p2', { port: 9090 }), pod('p3')]);
    expect(create.map((slice) => [slice.ports?.[0]?.port, slice.endpoints?.length])).toEqual([
      [8080, 2],
      [9090, 1],
    ]);
  });

  it('hold 100 endpoints at most', () => {
    expect(sizesOf(plan(service(), pods(250)).create)).toEqual([100, 100, 50]);
  });

  it('are not written when nothing has changed', () => {
    const slices = plan(service(), pods(150)).create.map(stored);
    expect(plan(service(), pods(150).reverse(), slices)).toEqual({ create: [], update: [], delete: [] });
  });

  it('fill up the slice with the least room that holds what is new', () => {
    const slices = plan(service(), pods(250)).create.map(stored);
    const changed = plan(service(), pods(260), slices);
    expect([changed.create.length, sizesOf(changed.update), changed.delete.length]).toEqual([0, [60], 0]);
    const more = plan(service(), pods(320), slices);
    expect([sizesOf(more.create), sizesOf(more.update)]).toEqual([[70], []]);
  });

  it('put what is new where something left anyway', () => {
    const slices = plan(service(), pods(150)).create.map(stored);
    const changed = plan(service(), [...pods(149, 2), ...pods(1, 400)], slices);
    expect([changed.create.length, sizesOf(changed.update)]).toEqual([0, [100]]);
  });

  it('go when nothing of theirs is left', () => {
    const slices = plan(service(), pods(150)).create.map(stored);
    const changed = plan(service(), pods(100), slices);
    expect([changed.create.length, changed.update.length, changed.delete.length]).toEqual([0, 0, 1]);
  });

  it('leave one empty slice when there are no pods, and keep it', () => {
    const empty = plan(service(), []);
    expect(empty.create).toMatchObject([{ addressType: 'IPv4', endpoints: [], ports: [] }]);
    const slices = empty.create.map(stored);
    expect(plan(service(), [], slices)).toEqual({ create: [], update: [], delete: [] });
    const filled = plan(service(), pods(1), slices);
    expect([sizesOf(filled.create), filled.delete.length]).toEqual([[1], 1]);
    const emptied = plan(service(), [], plan(service(), pods(1)).create.map(stored));
    expect([emptied.create.length, sizesOf(emptied.update), emptied.delete.length]).toEqual([0, [0], 0]);
  });

  it('follow the Service’s labels, and mark a headless one', () => {
    const slices = plan(service(), pods(1)).create.map(stored);
    const { update } = plan(
      service({ clusterIP: 'None' }, { team: 'a', 'kubernetes.io/service-name': 'fake' }),
      pods(1),
      slices,
    );
    expect(update[0]?.metadata?.labels).toEqual({
      team: 'a',
      'service.kubernetes.io/headless': '',
      'kubernetes.io/service-name': 'web',
      'endpointslice.kubernetes.io/managed-by': MANAGED_BY,
    });
  });

  it('serve a headless Service without ports, with the pods’ hostnames', () => {
    const { create } = plan(service({ clusterIP: 'None', ports: [] }), [pod('p1', { hostname: 'a' })]);
    expect(create).toMatchObject([{ ports: [], endpoints: [{ hostname: 'a' }] }]);
  });

  it('have one set for each family of a dual-stack Service', () => {
    const dual = service({ ipFamilies: ['IPv4', 'IPv6'] });
    const { create } = plan(dual, [pod('p1', { ips: ['10.0.0.1', 'fd00::1'] })]);
    expect(create.map((slice) => [slice.addressType, slice.endpoints?.[0]?.addresses])).toEqual([
      ['IPv4', ['10.0.0.1']],
      ['IPv6', ['fd00::1']],
    ]);
  });
});
