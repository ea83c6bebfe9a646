import type { Endpoint, EndpointSlice, Service, ServiceSpec } from '@periplus/api/kinds';
import { type NodeView, planServiceRules } from './plan-service-rules.js';
import type { RuleSet } from './rule-set.js';

const view: NodeView = {
  nodeName: 'n1',
  nodeAddresses: ['192.168.0.1', '192.168.0.2'],
  clusterCidr: '10.1.0.0/16',
  serviceCidr: '10.96.7.7/12',
};

function service(spec: ServiceSpec, over: Partial<Service> = {}): Service {
  return {
    metadata: { name: 'web', namespace: 'default' },
    spec: { clusterIP: '10.96.0.10', ports: [{ port: 80 }], ...spec },
    ...over,
  };
}

type Shape = Omit<Partial<Endpoint>, 'addresses'>;

function slice(endpoints: Readonly<Record<string, Shape>>, over: Partial<EndpointSlice> = {}): EndpointSlice {
  return {
    metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ port: 8080 }],
    endpoints: Object.entries(endpoints).map(([address, shape]) => ({ addresses: [address], ...shape })),
    ...over,
  };
}

const local = { nodeName: 'n1' };
const notReady = { conditions: { ready: false, serving: false, terminating: false } };
const draining = { conditions: { ready: false, serving: true, terminating: true } };
const dead = { conditions: { ready: false, serving: false, terminating: true } };

function only(ruleSet: RuleSet) {
  const [rule] = ruleSet.services;
  if (rule === undefined) throw new Error('no rule');
  return rule;
}

const plan = (services: Service[], slices: EndpointSlice[]): RuleSet => planServiceRules(services, slices, view);
const targets = (list: readonly { address: string; port: number }[]): string[] =>
  list.map(({ address, port }) => `${address}:${port}`);

describe('endpoints', () => {
  it.each<[string, EndpointSlice[], { cluster: string[]; local: string[]; draining: string[] }]>([
    [
      'are all that are ready, in any slice, once each',
      [
        slice({ '10.1.0.1': {}, '10.1.0.2': local }),
        slice({ '10.1.0.2': {}, '10.1.0.3': { conditions: { ready: true } } }),
      ],
      { cluster: ['10.1.0.1:8080', '10.1.0.2:8080', '10.1.0.3:8080'], local: ['10.1.0.2:8080'], draining: [] },
    ],
    [
      'that terminate get nothing new while others are ready',
      [slice({ '10.1.0.1': {}, '10.1.0.2': draining, '10.1.0.3': notReady })],
      { cluster: ['10.1.0.1:8080'], local: [], draining: ['10.1.0.2:8080'] },
    ],
    [
      'that terminate and serve are used when none is ready',
      [slice({ '10.1.0.2': draining, '10.1.0.3': notReady, '10.1.0.4': dead })],
      { cluster: ['10.1.0.2:8080'], local: [], draining: [] },
    ],
    [
      'fall back on this node by themselves',
      [slice({ '10.1.0.1': {}, '10.1.0.2': { ...draining, ...local } })],
      { cluster: ['10.1.0.1:8080'], local: ['10.1.0.2:8080'], draining: [] },
    ],
    [
      'that are ready in one of two slices are ready',
      [slice({ '10.1.0.1': draining }), slice({ '10.1.0.1': {} }), slice({ '10.1.0.1': notReady })],
      { cluster: ['10.1.0.1:8080'], local: [], draining: [] },
    ],
    [
      'of another family, name, protocol, service or namespace are others',
      [
        slice({ '10.1.0.1': {} }, { addressType: 'FQDN' }),
        slice({ '10.1.0.1': {} }, { ports: [{ name: 'x', port: 8080 }] }),
        slice({ '10.1.0.1': {} }, { ports: [{ protocol: 'UDP', port: 8080 }] }),
        slice({ '10.1.0.1': {} }, { metadata: { namespace: 'default', labels: {} } }),
        slice({ '10.1.0.1': {} }, { metadata: { namespace: 'x', labels: { 'kubernetes.io/service-name': 'web' } } }),
      ],
      { cluster: [], local: [], draining: [] },
    ],
    [
      'with an address or port that no rule can name are left out',
      [
        slice({ '10.1.0.1\n-j ACCEPT': {}, '127.0.0.1': {}, '::1': {}, '010.1.0.1': {} }),
        slice({ '10.1.0.1': {} }, { ports: [{ port: 0 }, { port: 70_000 }, {}] }),
      ],
      { cluster: [], local: [], draining: [] },
    ],
  ])('%s', (_, slices, expected) => {
    const rule = only(plan([service({})], slices));
    expect({
      cluster: targets(rule.pools.cluster),
      local: targets(rule.pools.local),
      draining: targets(rule.draining),
    }).toEqual(expected);
  });
});

describe('frontends', () => {
  const spec: ServiceSpec = {
    type: 'LoadBalancer',
    externalIPs: ['203.0.113.9'],
    ports: [{ name: 'http', port: 80, nodePort: 30_080 }],
    loadBalancerSourceRanges: ['198.51.100.7/24', ' 2001:db8::/32'],
  };
  const status = { loadBalancer: { ingress: [{ ip: '203.0.113.1' }, { ip: '203.0.113.2', ipMode: 'Proxy' }, {}] } };
  const http = { ports: [{ name: 'http', port: 8080 }] };
  const spread = (pool: string, masquerade: string) => ({ kind: 'spread', pool, masquerade });

  function outcomes(over: ServiceSpec, endpoints: Readonly<Record<string, Shape>>) {
    const { frontends } = only(plan([service({ ...spec, ...over }, { status })], [slice(endpoints, http)]));
    return Object.fromEntries(
      frontends.map(({ address, port, outcome, fromPods, fromNode }) => [
        `${address}:${port}`,
        [outcome, fromPods, fromNode].filter((each) => each !== undefined),
      ]),
    );
  }

  it('are the cluster address, external ones, those of load balancers, and the node port on each address of the node', () => {
    const rule = only(plan([service(spec, { status })], [slice({ '10.1.0.1': {} }, http)]));
    expect(rule.id).toBe('default/web:http');
    expect(rule.frontends.map(({ kind, address, port, sourceRanges }) => [kind, address, port, sourceRanges])).toEqual([
      ['ClusterIP', '10.96.0.10', 80, undefined],
      ['ExternalIP', '203.0.113.9', 80, undefined],
      ['LoadBalancer', '203.0.113.1', 80, ['198.51.100.0/24']],
      ['NodePort', '192.168.0.1', 30_080, undefined],
      ['NodePort', '192.168.0.2', 30_080, undefined],
    ]);
  });

  it('hide clients from outside behind the node, and all clients that come from outside the cluster address', () => {
    const all = outcomes({}, { '10.1.0.1': {} });
    expect(all['10.96.0.10:80']).toEqual([spread('cluster', 'from-outside')]);
    expect(all['203.0.113.9:80']).toEqual([spread('cluster', 'always')]);
    expect(all['192.168.0.2:30080']).toEqual([spread('cluster', 'always')]);
  });

  it('with the external policy Local show the client to local endpoints, and give pods and the node all of them', () => {
    const all = outcomes({ externalTrafficPolicy: 'Local' }, { '10.1.0.1': {}, '10.1.0.2': local });
    expect(all['10.96.0.10:80']).toEqual([spread('cluster', 'from-outside')]);
    expect(all['192.168.0.1:30080']).toEqual([
      spread('local', 'never'),
      spread('cluster', 'never'),
      spread('cluster', 'always'),
    ]);
  });

  it('with a policy of Local and endpoints elsewhere alone drop', () => {
    const all = outcomes({ externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' }, { '10.1.0.1': {} });
    expect(all['10.96.0.10:80']).toEqual([{ kind: 'drop' }]);
    expect(all['203.0.113.9:80']?.[0]).toEqual({ kind: 'drop' });
  });

  it('without endpoints reject, whatever the policy', () => {
    const all = outcomes({ externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' }, { '10.1.0.1': notReady });
    expect(new Set(Object.values(all).map((each) => JSON.stringify(each)))).toEqual(new Set(['[{"kind":"reject"}]']));
  });
});

describe('services', () => {
  it.each<[string, Service]>([
    ['headless ones', service({ clusterIP: 'None' })],
    ['external names', service({ type: 'ExternalName', externalName: 'example.com' })],
    ["another proxy's", service({}, { metadata: { labels: { 'service.kubernetes.io/service-proxy-name': 'x' } } })],
    ['ones without an address yet', service({ clusterIP: '' })],
    ['ones of another family', service({ clusterIP: 'fd00::1', clusterIPs: ['fd00::1'] })],
    ['ones of an unknown protocol', service({ ports: [{ port: 80, protocol: 'ICMP' }] })],
  ])('leave out %s', (_, left) => {
    expect(plan([left], []).services).toEqual([]);
  });

  it.each<[string, ServiceSpec, number | undefined]>([
    ['none by default', {}, undefined],
    ['three hours by default when asked', { sessionAffinity: 'ClientIP' }, 10_800],
    [
      'as long as asked',
      { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } },
      5,
    ],
  ])('have affinity: %s', (_, spec, seconds) => {
    expect(only(plan([service(spec)], [])).affinitySeconds).toBe(seconds);
  });

  const named = (name: string, creationTimestamp: string, spec: ServiceSpec): Service =>
    service(spec, { metadata: { name, namespace: 'default', creationTimestamp } });

  it('keep a cluster address that a service made earlier names as an external one', () => {
    const thief = named('a', '2020-01-01T00:00:00Z', { clusterIP: '10.96.0.11', externalIPs: ['10.96.0.10'] });
    const owner = named('b', '2021-01-01T00:00:00Z', {});
    const claims = plan([thief, owner], []).services.map(({ id, frontends }) => [
      id,
      frontends.map((each) => each.address),
    ]);
    expect(claims).toEqual([
      ['default/a', ['10.96.0.11']],
      ['default/b', ['10.96.0.10']],
    ]);
  });

  it('that claim one external address leave it to the elder, in whatever order they come', () => {
    const elder = named('z', '2020-01-01T00:00:00Z', { clusterIP: '10.96.0.12', externalIPs: ['203.0.113.1'] });
    const younger = named('a', '2021-01-01T00:00:00Z', { clusterIP: '10.96.0.11', externalIPs: ['203.0.113.1'] });
    const planned = plan([younger, elder], []);
    expect(planned).toEqual(plan([elder, younger], []));
    expect(planned.services.find(({ id }) => id === 'default/z')?.frontends.length).toBe(2);
  });
});

it('refuses a range that is none, and makes ranges canonical', () => {
  expect(plan([], []).serviceCidr).toBe('10.96.0.0/12');
  expect(() => planServiceRules([], [], { ...view, clusterCidr: '10.1/16' })).toThrow(
    expect.objectContaining({ code: 'RangeInvalid' }),
  );
});
