/** Ports of a node that pods hold: two pods clash on the same protocol and port unless they listen on different addresses. */
import type { Pod } from '@periplus/api/kinds';

export interface HostPort {
  readonly protocol: string;
  readonly port: number;
  readonly address: string;
}

const ANY = '0.0.0.0';

export function hostPortsOf(pod: Pod): readonly HostPort[] {
  const ports: HostPort[] = [];
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    for (const { hostPort = 0, protocol, hostIP } of container.ports ?? []) {
      if (hostPort > 0) ports.push({ protocol: protocol || 'TCP', port: hostPort, address: hostIP || ANY });
    }
  }
  return ports;
}

/** Ports in use on one node, with how many pods hold each (more than one only where a pod was placed by other means). */
export interface UsedPorts {
  hold(ports: readonly HostPort[]): void;
  release(ports: readonly HostPort[]): void;
  clashesWith(ports: readonly HostPort[]): boolean;
}

export function createUsedPorts(): UsedPorts {
  const held = new Map<string, Map<string, number>>();
  const keyOf = ({ protocol, port }: HostPort): string => `${protocol}/${port}`;

  function change(ports: readonly HostPort[], by: number): void {
    for (const port of ports) {
      const key = keyOf(port);
      const addresses = held.get(key) ?? new Map<string, number>();
      const count = (addresses.get(port.address) ?? 0) + by;
      if (count > 0) addresses.set(port.address, count);
      else addresses.delete(port.address);
      if (addresses.size > 0) held.set(key, addresses);
      else held.delete(key);
    }
  }

  return {
    hold: (ports) => change(ports, 1),
    release: (ports) => change(ports, -1),
    clashesWith: (ports) =>
      ports.some((port) => {
        const addresses = held.get(keyOf(port));
        if (addresses === undefined) return false;
        return port.address === ANY || addresses.has(ANY) || addresses.has(port.address);
      }),
  };
}
