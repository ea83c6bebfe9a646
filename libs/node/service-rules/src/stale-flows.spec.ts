import type { RuleSet, ServiceRule } from './rule-set.js';
import { parseConntrack, planStaleFlows } from './stale-flows.js';

const dns: ServiceRule = {
  id: 'kube-system/dns:dns',
  protocol: 'UDP',
  affinitySeconds: undefined,
  pools: { cluster: [{ address: '10.1.0.5', port: 53 }], local: [] },
  draining: [{ address: '10.1.0.6', port: 53 }],
  frontends: [
    {
      kind: 'ClusterIP',
      address: '10.96.0.10',
      port: 53,
      outcome: { kind: 'spread', pool: 'cluster', masquerade: 'from-outside' },
    },
    {
      kind: 'NodePort',
      address: '192.168.0.1',
      port: 30_053,
      outcome: { kind: 'spread', pool: 'cluster', masquerade: 'always' },
    },
  ],
};
const rules = (...services: ServiceRule[]): RuleSet => ({
  clusterCidr: '10.1.0.0/16',
  serviceCidr: '10.96.0.0/16',
  services,
});
const empty: ServiceRule = { ...dns, pools: { cluster: [], local: [] }, draining: [] };

/** As conntrack prints it. */
function line(to: string, answerer: string): string {
  const [destination, destinationPort] = to.split(':');
  const [address, port] = answerer.split(':');
  return `udp      17 29 src=10.1.0.9 dst=${destination} sport=4711 dport=${destinationPort} [UNREPLIED] src=${address} dst=10.1.0.9 sport=${port} dport=4711 mark=0 use=1`;
}

describe('stale flows', () => {
  it.each<[string, string, string, RuleSet, RuleSet | undefined, boolean]>([
    ['to an endpoint that is there', '10.96.0.10:53', '10.1.0.5:53', rules(dns), undefined, false],
    ['to an endpoint that drains', '10.96.0.10:53', '10.1.0.6:53', rules(dns), undefined, false],
    ['to an endpoint that is gone', '10.96.0.10:53', '10.1.0.7:53', rules(dns), undefined, true],
    ['by a node port to an endpoint that is gone', '192.168.0.1:30053', '10.1.0.7:53', rules(dns), undefined, true],
    ['to nowhere, with an endpoint there now', '10.96.0.10:53', '10.96.0.10:53', rules(dns), undefined, true],
    ['to nowhere, with none there yet', '10.96.0.10:53', '10.96.0.10:53', rules(empty), undefined, false],
    ['to a service that lost all endpoints', '10.96.0.10:53', '10.1.0.5:53', rules(empty), undefined, true],
    ['to a service that is gone', '10.96.0.10:53', '10.1.0.5:53', rules(), undefined, true],
    ['by a node port of a service that is gone', '192.168.0.1:30053', '10.1.0.5:53', rules(), rules(dns), true],
    ["by others' translation", '192.168.0.1:30053', '10.1.0.5:53', rules(), undefined, false],
    ['to a pod itself', '10.1.0.5:53', '10.1.0.5:53', rules(dns), undefined, false],
  ])('a flow %s', (_, to, answerer, current, previous, stale) => {
    expect(planStaleFlows(parseConntrack(line(to, answerer)), current, previous).length).toBe(stale ? 1 : 0);
  });

  it('are told once for all clients', () => {
    const flow = line('10.96.0.10:53', '10.1.0.7:53');
    expect(planStaleFlows(parseConntrack(`${flow}\n${flow}\nnonsense\n`), rules(dns))).toEqual([
      { destination: '10.96.0.10', destinationPort: 53, answerer: '10.1.0.7', answererPort: 53 },
    ]);
  });
});
