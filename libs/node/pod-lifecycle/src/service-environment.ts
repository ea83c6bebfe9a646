/** The variables that tell a container of the services of its namespace: `WEB_SERVICE_HOST`, `WEB_PORT_80_TCP_ADDR` and the like. */
import type { Service } from '@periplus/api/kinds';

function variableName(text: string): string {
  return text.toUpperCase().replaceAll('-', '_');
}

/** Of services with a cluster IP, in the order of their names. */
export function serviceEnvironment(services: readonly Service[]): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const service of services) {
    const address = service.spec?.clusterIP ?? '';
    const ports = service.spec?.ports ?? [];
    if (address === '' || address === 'None' || ports.length === 0) continue;
    const prefix = variableName(service.metadata?.name ?? '');
    variables.set(`${prefix}_SERVICE_HOST`, address);
    variables.set(`${prefix}_SERVICE_PORT`, String(ports[0]?.port));
    for (const port of ports) {
      if (port.name) variables.set(`${prefix}_SERVICE_PORT_${variableName(port.name)}`, String(port.port));
    }
    const host = address.includes(':') ? `[${address}]` : address;
    for (const [index, port] of ports.entries()) {
      const protocol = port.protocol ?? 'TCP';
      const lower = protocol.toLowerCase();
      const link = `${prefix}_PORT_${port.port}_${protocol}`;
      const url = `${lower}://${host}:${port.port}`;
      if (index === 0) variables.set(`${prefix}_PORT`, url);
      variables.set(link, url);
      variables.set(`${link}_PROTO`, lower);
      variables.set(`${link}_PORT`, String(port.port));
      variables.set(`${link}_ADDR`, address);
    }
  }
  return variables;
}

/**
 * What a pod's containers are told: the services of its own namespace when it wants links, and always the API server's.
 */
export function servicesForPod(
  namespace: string,
  enableServiceLinks: boolean,
  services: readonly Service[],
): readonly Service[] {
  const master = services.filter(
    (service) => service.metadata?.namespace === 'default' && service.metadata.name === 'kubernetes',
  );
  const own = enableServiceLinks
    ? services.filter((service) => service.metadata?.namespace === namespace && !master.includes(service))
    : [];
  const byName = (a: Service, b: Service): number => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1);
  const named = new Set(own.map((service) => service.metadata?.name));
  return [...master.filter((service) => !named.has(service.metadata?.name)), ...own].sort(byName);
}
