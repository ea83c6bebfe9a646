/** Where a proxied pod, service or node is reached. Pure. */
import { BlockList, isIP } from 'node:net';
import type { EndpointSlice, Pod, Service } from '@periplus/api/kinds';
import { badRequest, serviceUnavailable } from '@periplus/api/meta';

export interface ProxiedAddress {
  readonly host: string;
  readonly port: number;
}

/** What an address from a status must not be: this machine itself, its neighbours on the wire, nobody, or many. */
const unreachable = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 3],
] as const)
  unreachable.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of [
  ['::', 127],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  unreachable.addSubnet(net, prefix, 'ipv6');

/**
 * Statuses are written by nodes and by whoever else may: none of them may make this server speak to itself, or to what
 * only it can reach. Throws 400.
 */
export function requireProxyable(host: string): string {
  const family = isIP(host);
  if (family === 0 || unreachable.check(host, family === 4 ? 'ipv4' : 'ipv6')) throw badRequest('address not allowed');
  return host;
}

/** @param port a number, a port's name, or `''` for the pod's first port. */
export function podAddress(pod: Pod, port: string): ProxiedAddress {
  const host = pod.status?.podIP;
  if (!host) throw serviceUnavailable(`the pod ${pod.metadata?.name} has no address yet`);
  requireProxyable(host);
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  if (port === '') return { host, port: ports[0]?.containerPort ?? 80 };
  const named = ports.find((candidate) => candidate.name === port);
  return { host, port: named?.containerPort ?? parsePort(port) };
}

/** A ready endpoint of the service behind its port of this name or number; `''` is its only port. */
export function serviceAddress(service: Service, slices: readonly EndpointSlice[], port: string): ProxiedAddress {
  const name = service.metadata?.name ?? '';
  const ports = service.spec?.ports ?? [];
  const chosen =
    port === '' && ports.length === 1
      ? ports[0]
      : ports.find((candidate) => candidate.name === port || String(candidate.port) === port);
  if (!chosen)
    throw serviceUnavailable(
      `no endpoints available for service ${JSON.stringify(name)}: it has no port ${JSON.stringify(port)}`,
    );
  for (const slice of slices) {
    if (slice.metadata?.labels?.['kubernetes.io/service-name'] !== name) continue;
    const target = slice.ports?.find((candidate) => (candidate.name ?? '') === (chosen.name ?? ''));
    const endpoint = slice.endpoints?.find((candidate) => candidate.conditions?.ready !== false);
    const [host] = endpoint?.addresses ?? [];
    if (target?.port !== undefined && host !== undefined) return { host: requireProxyable(host), port: target.port };
  }
  throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(name)}`);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || port < 1 || port > 65535) throw badRequest(`invalid port ${JSON.stringify(text)}`);
  return port;
}
