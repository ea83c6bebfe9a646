/** Which endpoints of a service's slices get new connections to one of its ports. */
import type { Endpoint, EndpointSlice } from '@periplus/api/kinds';
import { isPort, isRoutableIpv4 } from './ipv4.js';
import { formatTarget, type Protocol, type Target } from './rule-set.js';

export interface PortRef {
  /** `''` for a port without a name. */
  readonly name: string;
  readonly protocol: Protocol;
}

export interface EndpointPools {
  readonly cluster: readonly Target[];
  readonly local: readonly Target[];
  readonly draining: readonly Target[];
}

/** `ready` gets connections; `serving` does while none is ready; the rest never does. */
type Standing = 'ready' | 'serving' | 'out';

interface Candidate extends Target {
  readonly standing: Standing;
  readonly local: boolean;
}

/** An absent `ready` counts as true, an absent `serving` as `ready`. */
function standingOf({ conditions }: Endpoint): Standing {
  const ready = conditions?.ready ?? true;
  if (ready) return 'ready';
  const serving = conditions?.serving ?? ready;
  return serving && conditions?.terminating === true ? 'serving' : 'out';
}

const rank: Readonly<Record<Standing, number>> = { ready: 2, serving: 1, out: 0 };

/** An endpoint may be in two slices while it moves between them; the better standing of the two counts. */
function collectCandidates(slices: readonly EndpointSlice[], port: PortRef, nodeName: string): readonly Candidate[] {
  const found = new Map<string, Candidate>();
  for (const slice of slices) {
    if (slice.addressType !== 'IPv4') continue;
    const slicePorts = (slice.ports ?? []).filter(
      ({ name, protocol }) => (name ?? '') === port.name && (protocol ?? 'TCP') === port.protocol,
    );
    for (const { port: number } of slicePorts) {
      if (!isPort(number)) continue;
      for (const endpoint of slice.endpoints ?? []) {
        const [address] = endpoint.addresses;
        if (address === undefined || !isRoutableIpv4(address)) continue;
        const local = endpoint.nodeName === nodeName;
        const candidate: Candidate = { address, port: number, standing: standingOf(endpoint), local };
        const key = formatTarget(candidate);
        const other = found.get(key);
        if (other === undefined || rank[candidate.standing] > rank[other.standing]) found.set(key, candidate);
      }
    }
  }
  return [...found.values()];
}

function byAddress(left: Target, right: Target): number {
  const [leftText, rightText] = [formatTarget(left), formatTarget(right)];
  return leftText < rightText ? -1 : leftText > rightText ? 1 : 0;
}

const toTarget = ({ address, port }: Candidate): Target => ({ address, port });

/** The ready ones; where there are none, those that still serve. */
function eligible(candidates: readonly Candidate[]): readonly Target[] {
  const ready = candidates.filter(({ standing }) => standing === 'ready');
  const chosen = ready.length > 0 ? ready : candidates.filter(({ standing }) => standing === 'serving');
  return chosen.map(toTarget).sort(byAddress);
}

/** The pools of one service port; `slices` are those of its service. */
export function poolEndpoints(slices: readonly EndpointSlice[], port: PortRef, nodeName: string): EndpointPools {
  const candidates = collectCandidates(slices, port, nodeName);
  const cluster = eligible(candidates);
  const local = eligible(candidates.filter((candidate) => candidate.local));
  const chosen = new Set([...cluster, ...local].map(formatTarget));
  const draining = candidates
    .filter((candidate) => candidate.standing === 'serving' && !chosen.has(formatTarget(candidate)))
    .map(toTarget)
    .sort(byAddress);
  return { cluster, local, draining };
}
