import { setTimeout as sleep } from 'node:timers/promises';
import type { Endpoint, EndpointSlice, Service, ServiceSpec } from '@periplus/api/kinds';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { createFakeApiClient, type FakeApiClient } from '@periplus/client/api-client/testing';
import { runInNetns } from '@periplus/node/host';
import { Registry } from 'prom-client';
import type { ProxyMode, ProxySettings } from './proxy-settings.js';
import { type Answer, createSpecNode, type SpecNode } from './proxy-spec-node.js';
import { createProxy, type Proxy } from './wiring.js';

const podPort = 8080;
const hostPort = 18_443;
const network = {
  clusterName: `proxy-spec-${process.pid}`,
  index: 0,
  nodeName: 'node-0',
  hostAddress: '10.235.0.1',
  nodeAddress: '10.235.0.2',
  prefixLength: 30,
  podCidr: '10.236.0.0/24',
  clusterCidr: '10.236.0.0/16',
  serviceCidr: '10.237.0.0/16',
};
const services = { group: '', version: 'v1', resource: 'services', namespace: 'ns' };
const slices = { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices', namespace: 'ns' };

let node: SpecNode;
beforeAll(async () => {
  node = await createSpecNode(network, ['a', 'b', 'c', 'client'], { pod: podPort, host: hostPort });
});
afterAll(() => node.destroy());

const ready = { conditions: { ready: true, serving: true, terminating: false } };
const draining = { conditions: { ready: false, serving: true, terminating: true } };

async function until<T>(
  what: string,
  look: () => Promise<T>,
  good: (seen: T) => boolean,
  timeoutMs = 5_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (good(seen)) return seen;
    if (performance.now() > deadline) throw new Error(`${what}: still ${JSON.stringify(seen)}`);
    await sleep(2);
  }
}

function count(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { server } of answers) counts[server] = (counts[server] ?? 0) + 1;
  return counts;
}

describe.each<ProxyMode>(['iptables', 'nftables'])('a proxy with %s', (mode) => {
  let client: FakeApiClient;
  let proxy: Proxy;

  const settings = (over: Partial<ProxySettings> = {}): ProxySettings => ({
    view: {
      nodeName: network.nodeName,
      nodeAddresses: [network.nodeAddress],
      clusterCidr: network.clusterCidr,
      serviceCidr: network.serviceCidr,
    },
    mode,
    resyncMs: 180_000,
    logLevel: 'error',
    ...over,
  });

  async function startProxy(over: Partial<ProxySettings> = {}): Promise<Proxy> {
    const started = createProxy({
      settings: settings(over),
      client,
      run: (argv, options) => runInNetns(node.netnsPath, argv, options),
      time: systemTime,
      random: systemRandom,
      logger: silentLogger,
      registry: new Registry(),
    });
    await started.start();
    return started;
  }

  /** What the API holds is in the kernel. */
  const settled = (after: number) =>
    until(
      'writing',
      () => Promise.resolve(proxy.status()),
      ({ lastUpdatedMs, waitingMs }) => {
        return waitingMs === undefined && (lastUpdatedMs ?? 0) >= after;
      },
    );

  async function changing(change: () => Promise<unknown>): Promise<void> {
    await change();
    // The fake's watch is a millisecond late.
    await sleep(20);
    await settled(Date.now() - 19);
  }

  async function addService(name: string, spec: ServiceSpec): Promise<void> {
    const service: Service = { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'ns' }, spec };
    await changing(() => client.create(services, service as never));
  }

  const endpoint = (pod: string, over: Partial<Endpoint> = {}): Endpoint => ({
    addresses: [node.pods.get(pod) ?? pod],
    nodeName: network.nodeName,
    ...ready,
    ...over,
  });

  function sliceOf(service: string, endpoints: readonly Endpoint[], port = podPort): EndpointSlice {
    return {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: service, namespace: 'ns', labels: { 'kubernetes.io/service-name': service } },
      addressType: 'IPv4',
      ports: [
        { name: 'tcp', protocol: 'TCP', port },
        { name: 'udp', protocol: 'UDP', port },
      ],
      endpoints: [...endpoints],
    };
  }

  const setEndpoints = (service: string, endpoints: readonly Endpoint[], port?: number): Promise<void> =>
    changing(async () => {
      const present = client.objects<EndpointSlice & { metadata: { name: string; resourceVersion: string } }>(slices);
      const old = present.find(({ metadata }) => metadata.name === service);
      const next = sliceOf(service, endpoints, port);
      if (old === undefined) return client.create(slices, next as never);
      const metadata = { ...next.metadata, resourceVersion: old.metadata.resourceVersion };
      return client.update({ ...slices, name: service }, { ...next, metadata } as never);
    });

  const tcp = { name: 'tcp', port: 80 };
  const udp = { name: 'udp', port: 53, protocol: 'UDP' };

  beforeAll(async () => {
    client = createFakeApiClient({ time: systemTime });
    proxy = await startProxy();
    await addService('web', { type: 'NodePort', clusterIP: '10.237.0.10', ports: [{ ...tcp, nodePort: 30_080 }] });
    await setEndpoints('web', [endpoint('a'), endpoint('b'), endpoint('c')]);
  });
  afterAll(() => proxy.stop());

  it.each([
    ['a pod, by its cluster address', { pod: 'client' }, '10.237.0.10', 80],
    ['the host, by its cluster address', 'host', '10.237.0.10', 80],
    ['the node, by its cluster address', 'node', '10.237.0.10', 80],
    ['the host, by the node port', 'host', network.nodeAddress, 30_080],
    ['a pod, by the node port', { pod: 'client' }, network.nodeAddress, 30_080],
    ['the node, by the node port', 'node', network.nodeAddress, 30_080],
  ] as const)('spreads connections from %s', async (_, place, address, port) => {
    const counts = count(await node.connect(place, address, port, 120));
    // 40 each; 5.2 is the standard deviation.
    for (const pod of ['a', 'b', 'c'])
      expect([pod, counts]).toEqual([pod, expect.objectContaining({ [pod]: expect.any(Number) })]);
    expect(Object.keys(counts).sort()).toEqual(['a', 'b', 'c']);
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(13);
  });

  it('shows a pod its client pod, and hides a client from outside', async () => {
    const [fromPod] = await node.connect({ pod: 'client' }, '10.237.0.10', 80);
    expect(fromPod?.seenAs).toBe(node.pods.get('client'));
    const [fromHost] = await node.connect('host', '10.237.0.10', 80);
    expect(fromHost?.seenAs).not.toBe(network.hostAddress);
  });

  it('lets a pod reach itself through its service', async () => {
    await addService('self', { clusterIP: '10.237.0.11', ports: [tcp] });
    await setEndpoints('self', [endpoint('a')]);
    expect(count(await node.connect({ pod: 'a' }, '10.237.0.11', 80, 5))).toEqual({ a: 5 });
  });

  it.each([
    ['a service without endpoints', '10.237.0.12', 80],
    ['its node port', network.nodeAddress, 30_081],
    ['a port that a service does not have', '10.237.0.10', 81],
    ['a cluster address that no service has', '10.237.9.9', 80],
  ])('refuses connections to %s at once, from everywhere', async (_, address, port) => {
    if (client.objects(services).every(({ metadata }) => metadata?.name !== 'empty')) {
      await addService('empty', { type: 'NodePort', clusterIP: '10.237.0.12', ports: [{ ...tcp, nodePort: 30_081 }] });
    }
    for (const place of [{ pod: 'client' }, 'host', 'node'] as const) {
      expect([place, count(await node.connect(place, address, port))]).toEqual([place, { ECONNREFUSED: 1 }]);
    }
  });

  it('reaches the host behind a service from a pod, the node and the host itself, as the API does', async () => {
    await addService('kubernetes', { clusterIP: '10.237.0.1', ports: [{ name: 'tcp', port: 443 }] });
    await setEndpoints('kubernetes', [endpoint(network.hostAddress, { nodeName: undefined })], hostPort);
    for (const place of [{ pod: 'client' }, 'node', 'host'] as const) {
      expect([place, count(await node.connect(place, '10.237.0.1', 443, 3))]).toEqual([place, { host: 3 }]);
    }
  });

  it('keeps a client with its endpoint while it is asked to, also as others come and over a restart', async () => {
    const sessionAffinityConfig = { clientIP: { timeoutSeconds: 60 } };
    await addService('sticky', {
      clusterIP: '10.237.0.13',
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig,
      ports: [tcp],
    });
    await setEndpoints('sticky', [endpoint('a'), endpoint('b')]);
    const [first] = await node.connect({ pod: 'client' }, '10.237.0.13', 80);
    const own = first?.server ?? '';
    const same = async () => count(await node.connect({ pod: 'client' }, '10.237.0.13', 80, 15));
    expect(await same()).toEqual({ [own]: 15 });
    await setEndpoints('sticky', [endpoint('a'), endpoint('b'), endpoint('c')]);
    expect(await same()).toEqual({ [own]: 15 });
    await proxy.stop();
    expect(await same()).toEqual({ [own]: 15 });
    proxy = await startProxy();
    await settled(0);
    expect(await same()).toEqual({ [own]: 15 });
    await setEndpoints('sticky', [endpoint('c')]);
    expect(await same()).toEqual({ c: 15 });
  });

  it('gives a terminating endpoint no new connections, and leaves it those it has', async () => {
    await addService('rolling', { clusterIP: '10.237.0.14', ports: [tcp] });
    await setEndpoints('rolling', [endpoint('a')]);
    const held = await node.hold({ pod: 'client' }, '10.237.0.14', 80);
    try {
      expect(held.server).toBe('a');
      await setEndpoints('rolling', [endpoint('a', draining), endpoint('b')]);
      expect(count(await node.connect({ pod: 'client' }, '10.237.0.14', 80, 20))).toEqual({ b: 20 });
      expect(await held.echo('still there')).toBe('still there');
      await setEndpoints('rolling', [endpoint('b')]);
      expect(await held.echo('even now')).toBe('even now');
    } finally {
      held.close();
    }
    await setEndpoints('rolling', [endpoint('a', draining)]);
    expect(count(await node.connect({ pod: 'client' }, '10.237.0.14', 80, 5))).toEqual({ a: 5 });
  });

  it('fails no connection while endpoints change all the time', async () => {
    await addService('busy', { clusterIP: '10.237.0.15', ports: [tcp] });
    await setEndpoints('busy', [endpoint('a'), endpoint('b')]);
    const connecting = node.connect({ pod: 'client' }, '10.237.0.15', 80, 1_500);
    let done = false;
    void connecting.finally(() => {
      done = true;
    });
    const turns = [['b', 'c'], ['a'], ['a', 'b', 'c'], ['c', 'a']];
    for (let turn = 0; !done; turn++) {
      await setEndpoints(
        'busy',
        (turns[turn % turns.length] ?? []).map((pod) => endpoint(pod)),
      );
    }
    expect(Object.keys(count(await connecting)).sort()).toEqual(['a', 'b', 'c']);
  });

  it('forgets UDP flows to an endpoint that went, so that the client reaches the next from the same port', async () => {
    await addService('dns', { clusterIP: '10.237.0.53', ports: [udp] });
    expect(await node.sendUdp({ pod: 'client' }, '10.237.0.53', 53, 40_000)).not.toMatch(/^[abc]$/);
    await setEndpoints('dns', [endpoint('a')]);
    expect(await node.sendUdp({ pod: 'client' }, '10.237.0.53', 53, 40_000)).toBe('a');
    await setEndpoints('dns', [endpoint('b')]);
    expect(await node.sendUdp({ pod: 'client' }, '10.237.0.53', 53, 40_000)).toBe('b');
  });

  it('with the external policy Local shows the client, and without local endpoints lets it wait', async () => {
    const spec = { type: 'NodePort', clusterIP: '10.237.0.16', externalTrafficPolicy: 'Local' };
    await addService('local', { ...spec, ports: [{ ...tcp, nodePort: 30_082 }] });
    await setEndpoints('local', [endpoint('b'), endpoint('c', { nodeName: 'other' })]);
    const answers = await node.connect('host', network.nodeAddress, 30_082, 10);
    expect(answers).toEqual(Array(10).fill({ server: 'b', seenAs: network.hostAddress }));
    expect(Object.keys(count(await node.connect({ pod: 'client' }, network.nodeAddress, 30_082, 40))).sort()).toEqual([
      'b',
      'c',
    ]);
    await setEndpoints('local', [endpoint('c', { nodeName: 'other' })]);
    expect(count(await node.connect('host', network.nodeAddress, 30_082))).toEqual({ TIMEOUT: 1 });
    expect(count(await node.connect({ pod: 'client' }, network.nodeAddress, 30_082))).toEqual({ c: 1 });
  });

  it('lets only the sources that a load balancer names reach it', async () => {
    const address = '10.235.7.7';
    const spec = { type: 'LoadBalancer', clusterIP: '10.237.0.17', externalIPs: [address], ports: [tcp] };
    await addService('outside', { ...spec, loadBalancerSourceRanges: ['198.51.100.0/24'] });
    await setEndpoints('outside', [endpoint('a')]);
    expect(count(await node.connect({ pod: 'client' }, address, 80))).toEqual({ a: 1 });
    const status = { loadBalancer: { ingress: [{ ip: address }] } };
    await changing(() => client.patch({ ...services, name: 'outside' }, 'merge', { spec: { externalIPs: null } }));
    await changing(() => client.patch({ ...services, name: 'outside', subresource: 'status' }, 'merge', { status }));
    expect(count(await node.connect({ pod: 'client' }, address, 80))).toEqual({ TIMEOUT: 1 });
    const spec2 = { loadBalancerSourceRanges: ['198.51.100.0/24', network.podCidr] };
    await changing(() => client.patch({ ...services, name: 'outside' }, 'merge', { spec: spec2 }));
    expect(count(await node.connect({ pod: 'client' }, address, 80))).toEqual({ a: 1 });
  });

  it.each(
    mode === 'iptables'
      ? [
          ['the tables are emptied', ['iptables', '-t', 'nat', '-F']],
          ['our hook is removed', ['iptables', '-t', 'nat', '-D', 'PREROUTING', '1']],
        ]
      : [
          ['the rule set is flushed', ['nft', 'flush', 'ruleset']],
          ['our table is emptied', ['nft', 'flush', 'table', 'ip', 'periplus_proxy']],
        ],
  )('puts everything back soon after %s', async (_, argv) => {
    await runInNetns(node.netnsPath, argv);
    const one = () => node.connect({ pod: 'client' }, '10.237.0.10', 80);
    await until('connecting', one, ([answer]) => /^[abc]$/.test(answer?.server ?? ''), 8_000);
  });

  it('leaves the rules when it ends, and fails no connection as it starts again', async () => {
    const connecting = node.connect({ pod: 'client' }, '10.237.0.10', 80, 1_000);
    for (let restart = 0; restart < 3; restart++) {
      await proxy.stop();
      expect(Object.keys(count(await node.connect('host', '10.237.0.10', 80, 3))).join('')).toMatch(/^[abc]+$/);
      proxy = await startProxy();
      await settled(0);
    }
    expect(Object.keys(count(await connecting)).sort()).toEqual(['a', 'b', 'c']);
  });

  it('takes away what a service had when it is deleted', async () => {
    await changing(() => client.delete({ ...services, name: 'self' }));
    expect(count(await node.connect({ pod: 'client' }, '10.237.0.11', 80))).toEqual({ ECONNREFUSED: 1 });
  });

  it('clears the rules of the other mode once its own are in place', async () => {
    const rules = async () => {
      const [saved, listed] = await Promise.all([
        runInNetns(node.netnsPath, ['iptables-save']),
        runInNetns(node.netnsPath, ['nft', 'list', 'tables']),
      ]);
      return { iptables: saved.stdout.includes('PP-'), nftables: listed.stdout.includes('periplus_proxy') };
    };
    await proxy.stop();
    const other = mode === 'iptables' ? 'nftables' : 'iptables';
    proxy = await startProxy({ mode: other });
    await until('switching', rules, (held) => held[other] && !held[mode]);
    expect(Object.keys(count(await node.connect('host', '10.237.0.10', 80, 5))).join('')).toMatch(/^[abc]+$/);
  });
});
