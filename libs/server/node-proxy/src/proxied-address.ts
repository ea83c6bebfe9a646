/** Where a proxied pod or service is reached. Pure. */
import type { EndpointSlice, Pod, Service } from '@periplus/api/kinds';
import { badRequest, serviceUnavailable } from '@periplus/api/meta';

export interface ProxiedAddress {
  readonly host: string;
  readonly port: number;
}

/** @param port a number, a port's name, or `''` for the pod's first port. */
export function podAddress(pod: Pod, port: string): ProxiedAddress {
  const host = pod.status?.podIP;
  if (!host) throw serviceUnavailable(`the pod ${pod.metadata?.name} has no address yet`);
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
    if (target?.port !== undefined && endpoint) return { host: endpoint.addresses[0]!, port: target.port };
  }
  throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(name)}`);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || port < 1 || port > 65535) throw badRequest(`invalid port ${JSON.stringify(text)}`);
  return port;
}
