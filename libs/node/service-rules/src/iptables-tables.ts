/**
 * A rule set as chains of iptables, all of ours beginning with PP-. A connection to a frontend goes
 *
 *   PREROUTING or OUTPUT → PP-SERVICES   one rule a frontend
 *     → PP-CIP- or PP-EXT-h              who may come in, whose address is hidden (by mark)
 *       → PP-SVC- or PP-SVL-h            the cluster's or the local pool: one endpoint by chance, or the client's own
 *         → PP-SEP-h                     DNAT to the endpoint
 *   POSTROUTING → PP-POSTROUTING         what is marked is masqueraded
 *   INPUT, FORWARD, OUTPUT → PP-FILTER   what has no endpoint is rejected or dropped
 */
import {
  type Frontend,
  formatTarget,
  type Outcome,
  outcomesOf,
  type Pool,
  type Protocol,
  type RuleSet,
  type ServiceRule,
  type Target,
} from './rule-set.js';
import { commentText, stableName } from './stable-name.js';

/** A rule of ours in a chain of the kernel's, by which packets come to our chains. */
export interface IptablesHook {
  readonly chain: string;
  readonly rule: string;
}

export interface IptablesTable {
  /** Each chain of ours with its rules, in the syntax after `-A CHAIN`. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  readonly hooks: readonly IptablesHook[];
}

export interface IptablesTables {
  readonly nat: IptablesTable;
  readonly filter: IptablesTable;
}

/** Every chain of ours begins with it. */
export const iptablesPrefix = 'PP-';
/** Set on packets that POSTROUTING is to masquerade. */
const masqueradeMark = '0x4000';

const chains = {
  services: 'PP-SERVICES',
  mark: 'PP-MARK-MASQ',
  postrouting: 'PP-POSTROUTING',
  filter: 'PP-FILTER',
  forward: 'PP-FORWARD',
} as const;

const poolPrefix: Readonly<Record<Pool, string>> = { cluster: 'PP-SVC-', local: 'PP-SVL-' };
const toMark = `-j ${chains.mark}`;
const fromThisNode = '-m addrtype --src-type LOCAL';

/** The same for every rule set. */
export const iptablesHooks: Readonly<Record<'nat' | 'filter', readonly IptablesHook[]>> = {
  nat: [
    { chain: 'PREROUTING', rule: `-m comment --comment "periplus services" -j ${chains.services}` },
    { chain: 'OUTPUT', rule: `-m comment --comment "periplus services" -j ${chains.services}` },
    { chain: 'POSTROUTING', rule: `-m comment --comment "periplus services" -j ${chains.postrouting}` },
  ],
  filter: [
    ...['INPUT', 'FORWARD', 'OUTPUT'].map((chain) => ({
      chain,
      rule: `-m conntrack --ctstate NEW -m comment --comment "periplus services" -j ${chains.filter}`,
    })),
    { chain: 'FORWARD', rule: `-m comment --comment "periplus services" -j ${chains.forward}` },
  ],
};

function matchProtocol(protocol: Protocol): string {
  const name = protocol.toLowerCase();
  return `-p ${name} -m ${name}`;
}

function matchFrontend({ protocol }: ServiceRule, { address, port }: Frontend): string {
  return `-d ${address}/32 ${matchProtocol(protocol)} --dport ${port}`;
}

function comment(service: ServiceRule, what: string): string {
  return `-m comment --comment "${commentText(`${service.id} ${what}`)}"`;
}

/** The chance of rule `index` of `count`, given that those before it were passed by: each ends up with 1/count. */
function probabilityOf(index: number, count: number): string {
  return (1 / (count - index)).toFixed(10);
}

function poolChain({ id, protocol }: ServiceRule, pool: Pool): string {
  return `${poolPrefix[pool]}${stableName(id, protocol)}`;
}

function endpointChain({ id, protocol }: ServiceRule, target: Target): string {
  return `PP-SEP-${stableName(id, protocol, formatTarget(target))}`;
}

function affinityMatch(chain: string, verb: string): string {
  return `-m recent --name ${chain} ${verb} --mask 255.255.255.255 --rsource`;
}

/** Affinity first, for clients that are remembered; then by chance. */
function poolRules(service: ServiceRule, pool: Pool): readonly string[] {
  const names = service.pools[pool].map((target) => endpointChain(service, target));
  const seconds = service.affinitySeconds;
  const remembered =
    seconds === undefined
      ? []
      : names.map((name) => `${affinityMatch(name, `--rcheck --seconds ${seconds} --reap`)} -j ${name}`);
  const byChance = names.map((name, index) => {
    const last = index === names.length - 1;
    return last
      ? `-j ${name}`
      : `-m statistic --mode random --probability ${probabilityOf(index, names.length)} -j ${name}`;
  });
  return [...remembered, ...byChance];
}

/** An endpoint that reaches itself through the service would get its own address as the client's: hidden, too. */
function endpointRules(service: ServiceRule, target: Target): readonly string[] {
  const chain = endpointChain(service, target);
  const remember = service.affinitySeconds === undefined ? '' : `${affinityMatch(chain, '--set')} `;
  return [
    `-s ${target.address}/32 ${comment(service, 'hairpin')} ${toMark}`,
    `${matchProtocol(service.protocol)} ${remember}-j DNAT --to-destination ${formatTarget(target)}`,
  ];
}

/** What packets that match `match` must do to get the outcome; the filter table sees to refusals. */
function entryRules(service: ServiceRule, outcome: Outcome, match: string, clusterCidr: string): readonly string[] {
  if (outcome.kind !== 'spread') return match === '' ? [] : [`${match} -j RETURN`];
  const withMatch = (rule: string): string => (match === '' ? rule : `${match} ${rule}`);
  const go = withMatch(`-j ${poolChain(service, outcome.pool)}`);
  switch (outcome.masquerade) {
    case 'never':
      return [go];
    case 'always':
      return [withMatch(toMark), go];
    case 'from-outside':
      return [withMatch(`! -s ${clusterCidr} ${toMark}`), go];
  }
}

interface Entry {
  readonly chain: string;
  readonly rules: readonly string[];
}

/** The chain that decides for all frontends of a service that are treated alike. */
function frontendEntry(service: ServiceRule, frontend: Frontend, clusterCidr: string): Entry {
  const prefix = frontend.kind === 'ClusterIP' ? 'PP-CIP-' : 'PP-EXT-';
  const { fromPods, fromNode, outcome } = frontend;
  return {
    chain: `${prefix}${stableName(service.id, service.protocol)}`,
    rules: [
      ...(fromPods === undefined ? [] : entryRules(service, fromPods, `-s ${clusterCidr}`, clusterCidr)),
      ...(fromNode === undefined ? [] : entryRules(service, fromNode, fromThisNode, clusterCidr)),
      ...entryRules(service, outcome, '', clusterCidr),
    ],
  };
}

function firewallEntry(service: ServiceRule, entry: Entry, ranges: readonly string[]): Entry {
  return {
    chain: `PP-FW-${stableName(service.id, service.protocol)}`,
    rules: ranges.map((range) => `-s ${range} -j ${entry.chain}`),
  };
}

/** An ICMP answer may fall to the kernel's rate limit, a reset does not. */
function rejection(protocol: Protocol | undefined): string {
  return protocol === 'TCP' ? '-j REJECT --reject-with tcp-reset' : '-j REJECT';
}

/** Refusals act in the filter table, on packets whose destination is still the frontend's: nothing translated it. */
function filterRules(service: ServiceRule, frontend: Frontend): readonly string[] {
  const match = matchFrontend(service, frontend);
  const drop = frontend.sourceRanges !== undefined || frontend.outcome.kind === 'drop';
  if (frontend.outcome.kind === 'spread' && !drop) return [];
  return drop
    ? [`${match} ${comment(service, 'not from or to here')} -j DROP`]
    : [`${match} ${comment(service, 'has no endpoints')} ${rejection(service.protocol)}`];
}

function usedPools({ frontends }: ServiceRule): ReadonlySet<Pool> {
  const outcomes = frontends.flatMap(outcomesOf);
  return new Set(outcomes.flatMap((outcome) => (outcome.kind === 'spread' ? [outcome.pool] : [])));
}

/** All chains of ours for `ruleSet`. */
export function toIptables(ruleSet: RuleSet): IptablesTables {
  const nat = new Map<string, readonly string[]>();
  const dispatch: string[] = [];
  const refuse: string[] = [];
  for (const service of ruleSet.services) {
    for (const frontend of service.frontends) {
      refuse.push(...filterRules(service, frontend));
      const entry = frontendEntry(service, frontend, ruleSet.clusterCidr);
      if (entry.rules.length === 0) continue;
      nat.set(entry.chain, entry.rules);
      const ranges = frontend.sourceRanges;
      const first = ranges === undefined ? entry : firewallEntry(service, entry, ranges);
      nat.set(first.chain, first.rules);
      dispatch.push(`${matchFrontend(service, frontend)} ${comment(service, frontend.kind)} -j ${first.chain}`);
    }
    for (const pool of usedPools(service)) {
      nat.set(poolChain(service, pool), poolRules(service, pool));
      for (const target of service.pools[pool]) nat.set(endpointChain(service, target), endpointRules(service, target));
    }
  }
  nat.set(chains.services, dispatch);
  nat.set(chains.mark, [`-j MARK --or-mark ${masqueradeMark}`]);
  nat.set(chains.postrouting, [
    `-m mark ! --mark ${masqueradeMark}/${masqueradeMark} -j RETURN`,
    `-j MARK --xor-mark ${masqueradeMark}`,
    '-j MASQUERADE --random-fully',
  ]);
  const unknownService = `-d ${ruleSet.serviceCidr} -m comment --comment "no such service or port"`;
  const filter = new Map<string, readonly string[]>([
    [
      chains.filter,
      [...refuse, `${unknownService} -p tcp ${rejection('TCP')}`, `${unknownService} ${rejection(undefined)}`],
    ],
    [
      chains.forward,
      [
        // A packet that conntrack cannot place would leave untranslated, and its receiver would reset the connection.
        '-m conntrack --ctstate INVALID -j DROP',
        `-m mark --mark ${masqueradeMark}/${masqueradeMark} -j ACCEPT`,
        '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      ],
    ],
  ]);
  return { nat: { chains: nat, hooks: iptablesHooks.nat }, filter: { chains: filter, hooks: iptablesHooks.filter } };
}
