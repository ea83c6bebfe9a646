/** Rows of services, endpoints and ingress. */
import type {
  Endpoints,
  EndpointSlice,
  Ingress,
  IngressClass,
  IPAddress,
  NetworkPolicy,
  Service,
  ServiceCIDR,
} from '@periplus/api/kinds';
import { ageOf, formatLabels, formatSelector, listSome, nameOf, none, orNone, type Row, unset } from './row.js';

const shownMax = 3;

/** Each address once, by IP or else by name, sorted. */
function loadBalancerAddresses(ingress: readonly { ip?: string; hostname?: string }[] | undefined): string[] {
  const addresses = (ingress ?? []).map(({ ip, hostname }) => ip || hostname || '').filter((address) => address !== '');
  return [...new Set(addresses)].sort();
}

function externalAddress(service: Service): string {
  const external = service.spec?.externalIPs ?? [];
  switch (service.spec?.type) {
    case 'ClusterIP':
    case 'NodePort':
      return orNone(external.join(','));
    case 'LoadBalancer': {
      const all = [...loadBalancerAddresses(service.status?.loadBalancer?.ingress), ...external];
      return all.length === 0 ? '<pending>' : all.join(',');
    }
    case 'ExternalName':
      return service.spec.externalName ?? '';
    default:
      return '<unknown>';
  }
}

export function printService(service: Service, now: number): Row {
  const { spec } = service;
  const ports = (spec?.ports ?? []).map(({ port, nodePort, protocol }) =>
    nodePort ? `${port}:${nodePort}/${protocol ?? 'TCP'}` : `${port}/${protocol ?? 'TCP'}`,
  );
  return {
    cells: [
      nameOf(service),
      spec?.type ?? '',
      orNone(spec?.clusterIPs?.[0]),
      externalAddress(service),
      orNone(ports.join(',')),
      ageOf(service, now),
      formatLabels(spec?.selector),
    ],
  };
}

const joinHostPort = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

export function printEndpoints(endpoints: Endpoints, now: number): Row {
  const addresses = (endpoints.subsets ?? []).flatMap((subset) => {
    const ips = (subset.addresses ?? []).map(({ ip }) => ip);
    const ports = subset.ports ?? [];
    return ports.length === 0 ? ips : ports.flatMap(({ port }) => ips.map((ip) => joinHostPort(ip, port)));
  });
  return { cells: [nameOf(endpoints), orNone(listSome(addresses, shownMax)), ageOf(endpoints, now)] };
}

export function printEndpointSlice(slice: EndpointSlice, now: number): Row {
  const ports = (slice.ports ?? []).map(({ port, name }) => (port === undefined ? (name ?? '*') : String(port)));
  const addresses = (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses ?? []);
  return {
    cells: [
      nameOf(slice),
      slice.addressType ?? '',
      listSome(ports, shownMax) || unset,
      listSome(addresses, shownMax) || unset,
      ageOf(slice, now),
    ],
  };
}

export function printIngress(ingress: Ingress, now: number): Row {
  const { spec, status } = ingress;
  const hosts = (spec?.rules ?? []).flatMap(({ host }) => (host ? [host] : []));
  return {
    cells: [
      nameOf(ingress),
      spec?.ingressClassName ?? none,
      listSome(hosts, shownMax) || '*',
      loadBalancerAddresses(status?.loadBalancer?.ingress).join(','),
      (spec?.tls ?? []).length > 0 ? '80, 443' : '80',
      ageOf(ingress, now),
    ],
  };
}

export function printIngressClass(ingressClass: IngressClass, now: number): Row {
  const parameters = ingressClass.spec?.parameters;
  const text =
    parameters === undefined
      ? none
      : `${parameters.kind}${parameters.apiGroup ? `.${parameters.apiGroup}` : ''}/${parameters.name}`;
  return { cells: [nameOf(ingressClass), ingressClass.spec?.controller ?? '', text, ageOf(ingressClass, now)] };
}

export function printNetworkPolicy(policy: NetworkPolicy, now: number): Row {
  return { cells: [nameOf(policy), formatSelector(policy.spec?.podSelector ?? {}), ageOf(policy, now)] };
}

export function printIPAddress(address: IPAddress): Row {
  const parent = address.spec?.parentRef;
  const parts = parent === undefined ? [] : [parent.resource, parent.group, parent.namespace, parent.name];
  const [resource = '', group = '', namespace = '', name = ''] = parts;
  const text = `${resource}${group === '' ? '' : `.${group}`}/${namespace === '' ? '' : `${namespace}/`}${name}`;
  return { cells: [nameOf(address), parent === undefined ? none : text] };
}

export function printServiceCIDR(cidr: ServiceCIDR, now: number): Row {
  return { cells: [nameOf(cidr), (cidr.spec?.cidrs ?? []).join(','), ageOf(cidr, now)] };
}
