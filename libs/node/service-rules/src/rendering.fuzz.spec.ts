import type { Endpoint, EndpointSlice, Service } from '@periplus/api/kinds';
import fc from 'fast-check';
import { createIptablesModel, type Fate, type Packet } from './iptables-model.js';
import {
  isIntact,
  parseIptablesSave,
  renderIptables,
  renderIptablesRemoval,
  renderIptablesUpdate,
} from './iptables-restore.js';
import { toIptables } from './iptables-tables.js';
import { rangeContains } from './ipv4.js';
import { createNftablesModel } from './nftables-model.js';
import { renderNftables, renderNftablesRemoval, renderNftablesUpdate } from './nftables-script.js';
import { toNftables } from './nftables-table.js';
import { type NodeView, planServiceRules } from './plan-service-rules.js';
import type { Outcome, RuleSet } from './rule-set.js';

const view: NodeView = {
  nodeName: 'n1',
  nodeAddresses: ['192.168.0.1'],
  clusterCidr: '10.1.0.0/16',
  serviceCidr: '10.96.0.0/24',
};

const protocols = fc.constantFrom('TCP', 'UDP', 'SCTP');
const policies = fc.constantFrom('Cluster', 'Local');
const names = fc.constantFrom('a', 'b', 'c', 'd');

/** Few names and addresses, so that services share and claim them. */
const services: fc.Arbitrary<Service[]> = fc
  .uniqueArray(
    fc.record({
      name: names,
      spec: fc.record({
        type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer'),
        clusterIP: fc.integer({ min: 1, max: 4 }).map((last) => `10.96.0.${last}`),
        externalIPs: fc.subarray(['203.0.113.1', '203.0.113.2']),
        loadBalancerSourceRanges: fc.subarray(['198.51.100.0/24', '10.1.0.0/16']),
        sessionAffinity: fc.constantFrom('None', 'None', 'ClientIP'),
        internalTrafficPolicy: policies,
        externalTrafficPolicy: policies,
        ports: fc.uniqueArray(
          fc.record({
            name: fc.constantFrom('x', 'y'),
            protocol: protocols,
            port: fc.constantFrom(80, 81),
            nodePort: fc.constantFrom(30_000, 30_001),
          }),
          { maxLength: 2, selector: ({ name }) => name },
        ),
      }),
    }),
    { maxLength: 4, selector: ({ name }) => name },
  )
  .map((list) =>
    list.map(({ name, spec }) => ({
      metadata: { name, namespace: 'ns' },
      spec,
      status: { loadBalancer: { ingress: [{ ip: '203.0.113.3' }] } },
    })),
  );

const endpoints: fc.Arbitrary<Endpoint[]> = fc.array(
  fc.record({
    addresses: fc.integer({ min: 1, max: 9 }).map((last) => [`10.1.0.${last}`]),
    nodeName: fc.constantFrom('n1', 'n2'),
    conditions: fc.record({ ready: fc.boolean(), serving: fc.boolean(), terminating: fc.boolean() }),
  }),
  { maxLength: 7 },
);

const slices: fc.Arbitrary<EndpointSlice[]> = fc.array(
  fc.record({ service: names, endpoints, port: fc.constantFrom('x', 'y'), protocol: protocols }).map((each) => ({
    metadata: { namespace: 'ns', labels: { 'kubernetes.io/service-name': each.service } },
    addressType: 'IPv4',
    endpoints: each.endpoints,
    ports: [{ name: each.port, protocol: each.protocol, port: 8080 }],
  })),
  { maxLength: 8 },
);

const ruleSets: fc.Arbitrary<RuleSet> = fc.tuple(services, slices).map(([s, e]) => planServiceRules(s, e, view));

/** What the plan itself says of a packet. */
function expectedFate(ruleSet: RuleSet, packet: Packet): Fate {
  for (const service of ruleSet.services) {
    if (service.protocol.toLowerCase() !== packet.protocol) continue;
    for (const frontend of service.frontends) {
      if (frontend.address !== packet.destination || frontend.port !== packet.port) continue;
      const { sourceRanges, outcome, fromPods, fromNode } = frontend;
      const fromPod = rangeContains(view.clusterCidr, packet.source);
      const chosen: Outcome = (fromPod ? fromPods : undefined) ?? (packet.fromNode ? fromNode : undefined) ?? outcome;
      const allowed = sourceRanges?.some((range) => rangeContains(range, packet.source)) ?? true;
      if (!allowed) return new Map([['DROP', 1]]);
      if (chosen.kind !== 'spread') return new Map([[sourceRanges ? 'DROP' : chosen.kind.toUpperCase(), 1]]);
      const hidden = chosen.masquerade === 'always' || (chosen.masquerade === 'from-outside' && !fromPod);
      const pool = service.pools[chosen.pool];
      const self = (address: string): boolean => address === packet.source;
      return new Map(
        pool.map(({ address, port }) => [
          `${address}:${port}${hidden || self(address) ? ' hidden' : ''}`,
          1 / pool.length,
        ]),
      );
    }
  }
  return new Map([[rangeContains(view.serviceCidr, packet.destination) ? 'REJECT' : 'PASS', 1]]);
}

const packets: readonly Packet[] = ['10.1.9.9', '10.1.0.3', '192.168.0.1', '198.51.100.4', '8.8.8.8'].flatMap(
  (source) =>
    ['10.96.0.1', '10.96.0.2', '10.96.0.9', '203.0.113.1', '203.0.113.3', '192.168.0.1'].flatMap((destination) =>
      ['tcp', 'udp', 'sctp'].flatMap((protocol) =>
        [80, 81, 30_000].map((port) => ({ source, fromNode: source === '192.168.0.1', destination, protocol, port })),
      ),
    ),
);

/** Chances in millionths, so that the roundings of the rules' decimals do not show. */
function comparable(fate: Fate): Record<string, number> {
  return Object.fromEntries([...fate].sort().map(([where, chance]) => [where, Math.round(chance * 1e6)]));
}

function iptablesHolding(ruleSet: RuleSet) {
  const model = createIptablesModel();
  model.restore(renderIptables(toIptables(ruleSet), parseIptablesSave(model.save())));
  return model;
}

function nftablesHolding(ruleSet: RuleSet) {
  const model = createNftablesModel();
  model.apply(renderNftables(toNftables(ruleSet), model.installed()));
  return model;
}

describe('iptables', () => {
  it('does with every packet what the plan says, each endpoint as likely as the next', () => {
    fc.assert(
      fc.property(ruleSets, (ruleSet) => {
        const model = iptablesHolding(ruleSet);
        for (const packet of packets) {
          expect([packet, comparable(model.fateOf(packet))]).toEqual([
            packet,
            comparable(expectedFate(ruleSet, packet)),
          ]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('comes by updates to what a full load gives', () => {
    fc.assert(
      fc.property(fc.array(ruleSets, { minLength: 2, maxLength: 5 }), (history) => {
        const [first, ...later] = history.map(toIptables);
        if (first === undefined) return;
        const model = createIptablesModel();
        model.restore(renderIptables(first, parseIptablesSave(model.save())));
        let previous = first;
        for (const next of later) {
          model.restore(renderIptablesUpdate(previous, next));
          previous = next;
        }
        const last = history.at(-1) as RuleSet;
        expect(model.chains()).toEqual(iptablesHolding(last).chains());
        expect(isIntact(previous, parseIptablesSave(model.save()))).toBe(true);
        expect(renderIptablesUpdate(previous, toIptables(last))).toBe('');
      }),
      { numRuns: 60 },
    );
  });

  it("comes by a full load from anybody's earlier state to the same, and goes without a trace", () => {
    fc.assert(
      fc.property(ruleSets, ruleSets, (before, after) => {
        const model = iptablesHolding(before);
        model.restore(renderIptables(toIptables(after), parseIptablesSave(model.save())));
        expect(model.chains()).toEqual(iptablesHolding(after).chains());
        model.restore(renderIptablesRemoval(parseIptablesSave(model.save())));
        expect(model.chains()).toEqual(createIptablesModel().chains());
      }),
      { numRuns: 40 },
    );
  });
});

describe('nftables', () => {
  it('does with every packet what the plan says, each endpoint as likely as the next', () => {
    fc.assert(
      fc.property(ruleSets, (ruleSet) => {
        const model = nftablesHolding(ruleSet);
        for (const packet of packets) {
          expect([packet, comparable(model.fateOf(packet))]).toEqual([
            packet,
            comparable(expectedFate(ruleSet, packet)),
          ]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('comes by updates to what a full load gives', () => {
    fc.assert(
      fc.property(fc.array(ruleSets, { minLength: 2, maxLength: 5 }), (history) => {
        const [first, ...later] = history.map(toNftables);
        if (first === undefined) return;
        const model = createNftablesModel();
        model.apply(renderNftables(first, model.installed()));
        let previous = first;
        for (const next of later) {
          model.apply(renderNftablesUpdate(previous, next));
          previous = next;
        }
        expect(model.content()).toEqual(nftablesHolding(history.at(-1) as RuleSet).content());
        expect(renderNftablesUpdate(previous, previous)).toBe('');
      }),
      { numRuns: 60 },
    );
  });

  it('comes by a full load from an earlier state to the same, and goes without a trace', () => {
    fc.assert(
      fc.property(ruleSets, ruleSets, (before, after) => {
        const model = nftablesHolding(before);
        model.apply(renderNftables(toNftables(after), model.installed()));
        expect(model.content()).toEqual(nftablesHolding(after).content());
        model.apply(renderNftablesRemoval());
        expect(model.content()).toEqual(createNftablesModel().content());
      }),
      { numRuns: 40 },
    );
  });
});
