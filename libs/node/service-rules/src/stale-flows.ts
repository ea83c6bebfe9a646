/**
 * UDP has no end of a connection, so conntrack goes on sending a client's packets where the first one went. This finds
 * the flows that go where no endpoint is any more, or nowhere although there is one now.
 */
import { rangeContains } from './ipv4.js';
import { formatTarget, type RuleSet, type ServiceRule } from './rule-set.js';

/** One entry of conntrack: where the client sends to, and who answers. */
export interface Flow {
  readonly destination: string;
  readonly destinationPort: number;
  /** Equal to the destination when nothing was translated. */
  readonly answerer: string;
  readonly answererPort: number;
}

/** Reads the output of `conntrack -L`: each line has the original direction's fields first, then the reply's. */
export function parseConntrack(text: string): readonly Flow[] {
  return text.split('\n').flatMap((line) => {
    const fields = [...line.matchAll(/\b(src|dst|sport|dport)=(\S+)/g)].map(([, , value = '']) => value);
    const [, destination, , destinationPort, answerer, , answererPort] = fields;
    if (destination === undefined || answerer === undefined) return [];
    return [{ destination, destinationPort: Number(destinationPort), answerer, answererPort: Number(answererPort) }];
  });
}

function flowKey(address: string, port: number): string {
  return `${address}:${port}`;
}

/** The UDP services by frontend. */
function udpFrontends(ruleSet: RuleSet): ReadonlyMap<string, ServiceRule> {
  const services = ruleSet.services.filter(({ protocol }) => protocol === 'UDP');
  return new Map(
    services.flatMap((service) =>
      service.frontends.map(({ address, port }) => [flowKey(address, port), service] as const),
    ),
  );
}

export function hasUdpServices(ruleSet: RuleSet): boolean {
  return ruleSet.services.some(({ protocol }) => protocol === 'UDP');
}

/** Flows that differ in the client alone are one in the answer. `previous`: the rule set before, if known. */
export function planStaleFlows(flows: readonly Flow[], current: RuleSet, previous?: RuleSet): readonly Flow[] {
  const frontends = udpFrontends(current);
  const earlier = previous === undefined ? new Map<string, ServiceRule>() : udpFrontends(previous);
  const stale = new Map<string, Flow>();
  for (const flow of flows) {
    const key = flowKey(flow.destination, flow.destinationPort);
    const answerer = flowKey(flow.answerer, flow.answererPort);
    const service = frontends.get(key);
    const translated = key !== answerer;
    const ours = service !== undefined || earlier.has(key) || rangeContains(current.serviceCidr, flow.destination);
    if (!ours) continue;
    const live = service === undefined ? [] : [...service.pools.cluster, ...service.pools.local, ...service.draining];
    const reachesLive = live.some((target) => formatTarget(target) === answerer);
    if (translated ? !reachesLive : live.length > 0) stale.set(`${key} ${answerer}`, flow);
  }
  return [...stale.values()];
}
