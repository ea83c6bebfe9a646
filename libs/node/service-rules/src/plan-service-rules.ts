/**
 * From Services and EndpointSlices to the rule set of one node, as upstream's proxy decides:
 *
 *   reached by         policy    goes to          client's address
 *   cluster IP         Cluster   cluster pool     hidden when the client is no pod
 *   cluster IP         Local     local pool       hidden when the client is no pod
 *   all else           Cluster   cluster pool     hidden
 *   all else           Local     local pool       kept; pods and the node itself get the cluster pool
 *
 * With nothing behind it a frontend is rejected; with something elsewhere only, what is Local is dropped.
 */
import type { EndpointSlice, Service, ServicePort } from '@periplus/api/kinds';
import { type EndpointPools, poolEndpoints } from './endpoint-pools.js';
import { canonicalRange, isPort, isRoutableIpv4 } from './ipv4.js';
import type { Frontend, Outcome, Pool, Protocol, RuleSet, ServiceRule } from './rule-set.js';

export interface NodeView {
  readonly nodeName: string;
  /** Where NodePorts answer. */
  readonly nodeAddresses: readonly string[];
  readonly clusterCidr: string;
  readonly serviceCidr: string;
}

const serviceNameLabel = 'kubernetes.io/service-name';
/** A service with it is another proxy's. */
const proxyNameLabel = 'service.kubernetes.io/service-proxy-name';
const affinitySecondsDefault = 10_800;
const affinitySecondsMax = 86_400;

/** The range of a setting is no IPv4 range. */
export class RangeInvalidError extends Error {
  readonly code = 'RangeInvalid';
  constructor(readonly text: string) {
    super(`${JSON.stringify(text)} is no IPv4 range`);
    this.name = 'RangeInvalidError';
  }
}

function toRange(text: string): string {
  const range = canonicalRange(text);
  if (range === undefined) throw new RangeInvalidError(text);
  return range;
}

function toProtocol(text: string | undefined): Protocol | undefined {
  const protocol = text ?? 'TCP';
  return protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP' ? protocol : undefined;
}

/** Headless services and external names have no rules; others' services are not ours. */
function isOurs({ metadata, spec }: Service): boolean {
  if (metadata?.labels?.[proxyNameLabel] !== undefined) return false;
  return spec !== undefined && spec.type !== 'ExternalName' && spec.clusterIP !== 'None';
}

function affinitySeconds({ spec }: Service): number | undefined {
  if (spec?.sessionAffinity !== 'ClientIP') return undefined;
  const seconds = Number(spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? affinitySecondsDefault);
  return Number.isInteger(seconds) && seconds > 0 && seconds <= affinitySecondsMax ? seconds : affinitySecondsDefault;
}

type Masquerade = Extract<Outcome, { kind: 'spread' }>['masquerade'];

function outcomeOf(pools: EndpointPools, pool: Pool, masquerade: Masquerade): Outcome {
  if (pools[pool].length > 0) return { kind: 'spread', pool, masquerade };
  return pools.cluster.length > 0 ? { kind: 'drop' } : { kind: 'reject' };
}

type Outcomes = Pick<Frontend, 'outcome' | 'fromPods' | 'fromNode'>;

function internalOutcomes({ spec }: Service, pools: EndpointPools): Outcomes {
  const pool = spec?.internalTrafficPolicy === 'Local' ? 'local' : 'cluster';
  return { outcome: outcomeOf(pools, pool, 'from-outside') };
}

function externalOutcomes({ spec }: Service, pools: EndpointPools): Outcomes {
  if (spec?.externalTrafficPolicy !== 'Local') return { outcome: outcomeOf(pools, 'cluster', 'always') };
  const outcome = outcomeOf(pools, 'local', 'never');
  if (pools.cluster.length === 0) return { outcome };
  return {
    outcome,
    fromPods: outcomeOf(pools, 'cluster', 'never'),
    fromNode: outcomeOf(pools, 'cluster', 'always'),
  };
}

function clusterIps({ spec }: Service): readonly string[] {
  const listed = spec?.clusterIPs ?? [];
  const all = listed.length > 0 ? listed : spec?.clusterIP === undefined ? [] : [spec.clusterIP];
  return [...new Set(all)].filter(isRoutableIpv4);
}

/** IPv4 ranges that may come in; undefined = everybody. A list of IPv6 ranges alone lets nobody in. */
function sourceRanges({ spec }: Service): readonly string[] | undefined {
  const ranges = spec?.loadBalancerSourceRanges ?? [];
  if (ranges.length === 0) return undefined;
  const canonical = ranges.map(canonicalRange).filter((range) => range !== undefined);
  return canonical.includes('0.0.0.0/0') ? undefined : [...new Set(canonical)].sort();
}

function ingressAddresses({ spec, status }: Service): readonly string[] {
  if (spec?.type !== 'LoadBalancer') return [];
  const ingresses = (status?.loadBalancer?.ingress ?? []).filter(({ ipMode }) => (ipMode ?? 'VIP') === 'VIP');
  return ingresses.flatMap(({ ip }) => (ip !== undefined && isRoutableIpv4(ip) ? [ip] : []));
}

function externalFrontends(
  service: Service,
  port: ServicePort,
  pools: EndpointPools,
  view: NodeView,
): readonly Frontend[] {
  const outcomes = externalOutcomes(service, pools);
  const at = (kind: Frontend['kind'], address: string, number: number): Frontend => ({
    kind,
    address,
    port: number,
    ...outcomes,
  });
  const { nodePort } = port;
  const ranges = sourceRanges(service);
  return [
    ...(service.spec?.externalIPs ?? []).filter(isRoutableIpv4).map((address) => at('ExternalIP', address, port.port)),
    ...ingressAddresses(service).map((address) => ({
      ...at('LoadBalancer', address, port.port),
      ...(ranges === undefined ? {} : { sourceRanges: ranges }),
    })),
    ...(isPort(nodePort) ? view.nodeAddresses.map((address) => at('NodePort', address, nodePort)) : []),
  ];
}

interface PlannedPort {
  readonly service: Service;
  readonly rule: Omit<ServiceRule, 'frontends'>;
  readonly internal: readonly Frontend[];
  readonly external: readonly Frontend[];
}

function planPort(
  service: Service,
  port: ServicePort,
  slices: readonly EndpointSlice[],
  view: NodeView,
): PlannedPort | undefined {
  const protocol = toProtocol(port.protocol);
  if (protocol === undefined || !isPort(port.port)) return undefined;
  const name = port.name ?? '';
  const pools = poolEndpoints(slices, { name, protocol }, view.nodeName);
  const id = `${service.metadata?.namespace ?? ''}/${service.metadata?.name ?? ''}${name === '' ? '' : `:${name}`}`;
  const internal = clusterIps(service).map(
    (address): Frontend => ({ kind: 'ClusterIP', address, port: port.port, ...internalOutcomes(service, pools) }),
  );
  return {
    service,
    rule: {
      id,
      protocol,
      affinitySeconds: affinitySeconds(service),
      pools: { cluster: pools.cluster, local: pools.local },
      draining: pools.draining,
    },
    internal,
    external: externalFrontends(service, port, pools, view),
  };
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Who was there first keeps an address that two services claim. */
function bySeniority(left: PlannedPort, right: PlannedPort): number {
  const [leftMade, rightMade] = [left, right].map(({ service }) => service.metadata?.creationTimestamp ?? '');
  return compareText(leftMade ?? '', rightMade ?? '') || compareText(left.rule.id, right.rule.id);
}

function groupByService(slices: readonly EndpointSlice[]): ReadonlyMap<string, readonly EndpointSlice[]> {
  const groups = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const name = slice.metadata?.labels?.[serviceNameLabel];
    if (name === undefined || name === '') continue;
    const key = `${slice.metadata?.namespace ?? ''}/${name}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [slice]);
    else group.push(slice);
  }
  return groups;
}

/**
 * Hands each address, protocol and port to one service: cluster IPs first, so that nobody takes one by naming it as an
 * external address, then the rest by seniority.
 */
function settleClaims(planned: readonly PlannedPort[]): ReadonlyMap<PlannedPort, readonly Frontend[]> {
  const claimed = new Set<string>();
  const granted = new Map<PlannedPort, Frontend[]>(planned.map((port) => [port, []]));
  const ordered = [...planned].sort(bySeniority);
  for (const kind of ['internal', 'external'] as const) {
    for (const port of ordered) {
      for (const frontend of port[kind]) {
        const key = `${frontend.address} ${port.rule.protocol} ${frontend.port}`;
        if (claimed.has(key)) continue;
        claimed.add(key);
        granted.get(port)?.push(frontend);
      }
    }
  }
  return granted;
}

/** The same objects in any order give the same rule set. */
export function planServiceRules(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  view: NodeView,
): RuleSet {
  const slicesOf = groupByService(slices);
  const planned = services.filter(isOurs).flatMap((service) => {
    const key = `${service.metadata?.namespace ?? ''}/${service.metadata?.name ?? ''}`;
    const own = slicesOf.get(key) ?? [];
    return (service.spec?.ports ?? []).flatMap((port) => planPort(service, port, own, view) ?? []);
  });
  const granted = settleClaims(planned);
  const rules = planned.map((port): ServiceRule => ({ ...port.rule, frontends: granted.get(port) ?? [] }));
  return {
    clusterCidr: toRange(view.clusterCidr),
    serviceCidr: toRange(view.serviceCidr),
    services: rules
      .filter(({ frontends }) => frontends.length > 0)
      .sort((left, right) => compareText(left.id, right.id)),
  };
}
