/**
 * A rule set as one nftables table, nearly all of it data. The packet's destination is looked up in `services`, which
 * names a chain by how the client's address is treated and by the number of endpoints; that chain, shared by all
 * services alike, draws a number and looks the endpoint up in one flat map:
 *
 *   services:       10.96.0.10 . tcp . 80  : goto outside_cluster_tcp_2
 *   endpoints_tcp:  10.96.0.10 . 80 . 0    : 10.244.0.5 . 8080
 *                   10.96.0.10 . 80 . 1    : 10.244.0.9 . 8080
 *   outside_cluster_tcp_2 { mark what is from outside; dnat to … numgen random mod 2 map @endpoints_tcp }
 *
 * A map's port must be of one protocol: of any (`th dport`) nft 1.0.6 refuses rules on a map that is in the kernel.
 *
 * So a change of one service is a few elements, however many services there are. Only services with affinity have
 * chains of their own.
 */
import type { Frontend, Outcome, Pool, Protocol, RuleSet, ServiceRule, Target } from './rule-set.js';
import { stableName } from './stable-name.js';

export interface NftChain {
  /** Type, hook and policy of a chain that the kernel calls; absent for the others. */
  readonly hook?: string;
  readonly rules: readonly string[];
}

export interface NftMap {
  readonly kind: 'map' | 'set';
  readonly declaration: string;
  /** By key; a set's values are ''. */
  readonly elements: ReadonlyMap<string, string>;
}

export interface NftTable {
  readonly chains: ReadonlyMap<string, NftChain>;
  /** What we fill. The same ones for every rule set. */
  readonly maps: ReadonlyMap<string, NftMap>;
  /** Declarations of the sets that the kernel fills: the clients that each endpoint remembers. */
  readonly clientSets: ReadonlyMap<string, string>;
}

/** The one table of ours, of family `ip`. */
export const nftTableName = 'periplus_proxy';
export const clientSetPrefix = 'clients_';

const mark = '0x4000';
const clientsMax = 65_536;
const frontendKey = 'ip daddr . meta l4proto . th dport';
const keyType = 'ipv4_addr . inet_proto . inet_service';
const protocols: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];
const pools: readonly Pool[] = ['cluster', 'local'];

function endpointsMap(pool: Pool, protocol: Protocol): string {
  return `${pool === 'cluster' ? 'endpoints' : 'local_endpoints'}_${protocol.toLowerCase()}`;
}

type Spread = Extract<Outcome, { kind: 'spread' }>;

function markRules({ masquerade }: Spread, clusterCidr: string): readonly string[] {
  const setMark = `meta mark set meta mark | ${mark}`;
  switch (masquerade) {
    case 'never':
      return [];
    case 'always':
      return [setMark];
    case 'from-outside':
      return [`ip saddr != ${clusterCidr} ${setMark}`];
  }
}

const masqueradeWord: Readonly<Record<Spread['masquerade'], string>> = {
  never: 'seen',
  always: 'hidden',
  'from-outside': 'outside',
};

function frontendText({ protocol }: ServiceRule, { address, port }: Frontend): string {
  return `${address} . ${protocol.toLowerCase()} . ${port}`;
}

/** Fills the chains and maps while services are walked. */
interface TableDraft {
  readonly clusterCidr: string;
  readonly chains: Map<string, NftChain>;
  readonly clientSets: Map<string, string>;
  readonly elements: Map<string, Map<string, string>>;
}

function addElement(draft: TableDraft, map: string, key: string, value: string): void {
  draft.elements.get(map)?.set(key, value);
}

/** One endpoint of a service with affinity: remembers the client, and goes there. */
function endpointChain(draft: TableDraft, service: ServiceRule, seconds: number, target: Target): string {
  const name = stableName(service.id, service.protocol, target.address, target.port, seconds);
  const clients = `${clientSetPrefix}${name}`;
  draft.clientSets.set(clients, `type ipv4_addr; flags dynamic,timeout; timeout ${seconds}s; size ${clientsMax};`);
  draft.chains.set(`endpoint_${name}`, {
    rules: [
      `update @${clients} { ip saddr }`,
      `meta l4proto ${service.protocol.toLowerCase()} dnat to ${target.address}:${target.port}`,
    ],
  });
  return name;
}

function affinityPoolChain(draft: TableDraft, service: ServiceRule, seconds: number, pool: Pool): string {
  const chain = `sticky_${pool}_${stableName(service.id, service.protocol)}`;
  const names = service.pools[pool].map((target) => endpointChain(draft, service, seconds, target));
  const slots = names.map((name, index) => `${index} : goto endpoint_${name}`);
  draft.chains.set(chain, {
    rules: [
      ...names.map((name) => `ip saddr @${clientSetPrefix}${name} goto endpoint_${name}`),
      `numgen random mod ${names.length} vmap { ${slots.join(', ')} }`,
    ],
  });
  return chain;
}

/** The chain that a frontend with this outcome goes to. */
function spreadChain(draft: TableDraft, service: ServiceRule, outcome: Spread): string {
  const { pool, masquerade } = outcome;
  const seconds = service.affinitySeconds;
  const marking = markRules(outcome, draft.clusterCidr);
  if (seconds !== undefined) {
    const poolChain = affinityPoolChain(draft, service, seconds, pool);
    const chain = `${masqueradeWord[masquerade]}_${poolChain}`;
    draft.chains.set(chain, { rules: [...marking, `goto ${poolChain}`] });
    return chain;
  }
  const count = service.pools[pool].length;
  const protocol = service.protocol.toLowerCase();
  const chain = `${masqueradeWord[masquerade]}_${pool}_${protocol}_${count}`;
  const key = `ip daddr . ${protocol} dport . numgen random mod ${count}`;
  draft.chains.set(chain, {
    rules: [...marking, `dnat ip to ${key} map @${endpointsMap(pool, service.protocol)}`],
  });
  return chain;
}

function addTargets(draft: TableDraft, service: ServiceRule, frontend: Frontend, pool: Pool): void {
  if (service.affinitySeconds !== undefined) return;
  service.pools[pool].forEach(({ address, port }, slot) => {
    const key = `${frontend.address} . ${frontend.port} . ${slot}`;
    addElement(draft, endpointsMap(pool, service.protocol), key, `${address} . ${port}`);
  });
}

/** A chain that lets only some sources on to `next`. */
function firewallChain(draft: TableDraft, frontend: Frontend, key: string, next: string): string {
  if (frontend.sourceRanges === undefined) return next;
  const chain = `firewall_${stableName(key, next)}`;
  const allowed =
    frontend.sourceRanges.length === 0 ? [] : [`ip saddr { ${frontend.sourceRanges.join(', ')} } goto ${next}`];
  draft.chains.set(chain, { rules: allowed });
  return chain;
}

function addFrontend(draft: TableDraft, service: ServiceRule, frontend: Frontend): void {
  const key = frontendText(service, frontend);
  const { outcome, fromPods, fromNode, sourceRanges } = frontend;
  const routes = [
    { map: 'services_from_pods', route: fromPods },
    { map: 'services_from_node', route: fromNode },
    { map: 'services', route: outcome },
  ];
  const used = new Set<Pool>();
  for (const { map, route } of routes) {
    if (route?.kind !== 'spread') continue;
    used.add(route.pool);
    addElement(draft, map, key, `goto ${firewallChain(draft, frontend, key, spreadChain(draft, service, route))}`);
  }
  for (const pool of used) addTargets(draft, service, frontend, pool);
  // Refusals act after translation, on packets whose destination is still the frontend's.
  if (sourceRanges !== undefined || outcome.kind === 'drop') addElement(draft, 'refused', key, 'drop');
  else if (outcome.kind === 'reject') addElement(draft, 'refused', key, 'goto rejecting');
}

/** An endpoint that reaches itself through a service would get its own address as the client's. */
function addHairpins(draft: TableDraft, service: ServiceRule): void {
  for (const { address } of [...service.pools.cluster, ...service.pools.local]) {
    addElement(draft, 'hairpin', `${address} . ${address}`, '');
  }
}

const declarations: Readonly<Record<string, Pick<NftMap, 'kind' | 'declaration'>>> = {
  ...Object.fromEntries(
    protocols.flatMap((protocol) => {
      const port = `${protocol.toLowerCase()} dport`;
      const declaration = `typeof ip daddr . ${port} . numgen random mod 2 : ip daddr . ${port};`;
      return pools.map((pool) => [endpointsMap(pool, protocol), { kind: 'map' as const, declaration }]);
    }),
  ),
  services: { kind: 'map', declaration: `type ${keyType} : verdict;` },
  services_from_pods: { kind: 'map', declaration: `type ${keyType} : verdict;` },
  services_from_node: { kind: 'map', declaration: `type ${keyType} : verdict;` },
  refused: { kind: 'map', declaration: `type ${keyType} : verdict;` },
  hairpin: { kind: 'set', declaration: 'type ipv4_addr . ipv4_addr;' },
};

function fixedChains({ clusterCidr, serviceCidr }: RuleSet): readonly (readonly [string, NftChain])[] {
  const withPorts = 'meta l4proto { tcp, udp, sctp }';
  const filterHook = (hook: string): NftChain => ({
    hook: `type filter hook ${hook} priority 0; policy accept;`,
    rules: ['ct state new jump refusing'],
  });
  return [
    // An ICMP answer may fall to the kernel's rate limit, a reset does not.
    ['rejecting', { rules: ['meta l4proto tcp reject with tcp reset', 'reject'] }],
    [
      'refusing',
      {
        rules: [
          `${withPorts} ${frontendKey} vmap @refused`,
          `ip daddr ${serviceCidr} goto rejecting comment "no such service or port"`,
        ],
      },
    ],
    [
      'dispatch',
      {
        rules: [
          `ip saddr ${clusterCidr} ${withPorts} ${frontendKey} vmap @services_from_pods`,
          `fib saddr type local ${withPorts} ${frontendKey} vmap @services_from_node`,
          `${withPorts} ${frontendKey} vmap @services`,
        ],
      },
    ],
    ['prerouting', { hook: 'type nat hook prerouting priority -100; policy accept;', rules: ['jump dispatch'] }],
    ['nat_output', { hook: 'type nat hook output priority -100; policy accept;', rules: ['jump dispatch'] }],
    [
      'postrouting',
      {
        hook: 'type nat hook postrouting priority 100; policy accept;',
        rules: [
          `meta mark & ${mark} == ${mark} meta mark set meta mark ^ ${mark} masquerade fully-random`,
          'ct status dnat ip saddr . ip daddr @hairpin masquerade fully-random',
        ],
      },
    ],
    ['input', filterHook('input')],
    [
      'forward',
      {
        hook: 'type filter hook forward priority 0; policy accept;',
        // A packet that conntrack cannot place would leave untranslated, and its receiver would reset the connection.
        rules: ['ct state new jump refusing', 'ct state invalid drop'],
      },
    ],
    ['output', filterHook('output')],
  ];
}

/** The table for `ruleSet`. */
export function toNftables(ruleSet: RuleSet): NftTable {
  const draft: TableDraft = {
    clusterCidr: ruleSet.clusterCidr,
    chains: new Map(fixedChains(ruleSet)),
    clientSets: new Map(),
    elements: new Map(Object.keys(declarations).map((name) => [name, new Map<string, string>()])),
  };
  for (const service of ruleSet.services) {
    for (const frontend of service.frontends) addFrontend(draft, service, frontend);
    addHairpins(draft, service);
  }
  const maps = Object.entries(declarations).map(([name, { kind, declaration }]): [string, NftMap] => [
    name,
    { kind, declaration, elements: draft.elements.get(name) ?? new Map() },
  ]);
  return { chains: draft.chains, maps: new Map(maps), clientSets: draft.clientSets };
}
