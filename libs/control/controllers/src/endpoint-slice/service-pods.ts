/** What a Service takes from a Pod: its addresses, the ports that are meant, whether it counts, and when that changed. */
import type { Container, Pod, Service, ServicePort } from '@periplus/api/kinds';
import { nameOf, timeOf } from '../shared/identity.js';
import { isTerminated, podCondition } from '../shared/pod-state.js';

export type IpFamily = 'IPv4' | 'IPv6';

export const familyOf = (address: string): IpFamily => (address.includes(':') ? 'IPv6' : 'IPv4');

/** The families a Service has endpoints of, the first one its own. */
export function familiesOf(service: Service): readonly IpFamily[] {
  const families = (service.spec?.ipFamilies ?? []).filter(
    (family): family is IpFamily => family === 'IPv4' || family === 'IPv6',
  );
  return families.length === 0 ? ['IPv4'] : families;
}

export const isHeadless = (service: Service): boolean => service.spec?.clusterIP === 'None';

/** Services without a selector have endpoints made by hand, ExternalName ones have none. */
export const selectsPods = (service: Service): boolean =>
  Object.keys(service.spec?.selector ?? {}).length > 0 && service.spec?.type !== 'ExternalName';

export function addressOf(pod: Pod, family: IpFamily): string | undefined {
  const addresses = [...(pod.status?.podIPs ?? []).map(({ ip }) => ip), pod.status?.podIP];
  return addresses.find((address) => address !== undefined && address !== '' && familyOf(address) === family);
}

/** Has an address and has not ended. */
export const hasEndpoint = (pod: Pod): boolean => !isTerminated(pod) && (pod.status?.podIP ?? '') !== '';

function containersOf(pod: Pod): readonly Container[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  return [...(pod.spec?.containers ?? []), ...sidecars];
}

/** The pod's number for a Service's port; undefined when the pod has no port of that name. */
function targetPortOf(pod: Pod, servicePort: ServicePort): number | undefined {
  const target = servicePort.targetPort ?? servicePort.port;
  if (typeof target === 'number') return target === 0 ? servicePort.port : target;
  const protocol = servicePort.protocol ?? 'TCP';
  for (const container of containersOf(pod)) {
    const found = container.ports?.find((port) => port.name === target && (port.protocol ?? 'TCP') === protocol);
    if (found !== undefined) return found.containerPort;
  }
  return undefined;
}

export interface ResolvedPort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
  readonly appProtocol?: string;
}

/** In the Service's order; ports that the pod doesn't have are left out. */
export function portsOf(pod: Pod, service: Service): ResolvedPort[] {
  return (service.spec?.ports ?? []).flatMap((servicePort) => {
    const port = targetPortOf(pod, servicePort);
    if (port === undefined) return [];
    const { appProtocol } = servicePort;
    return [
      {
        name: servicePort.name ?? '',
        protocol: servicePort.protocol ?? 'TCP',
        port,
        ...(appProtocol === undefined ? {} : { appProtocol }),
      },
    ];
  });
}

/** Under which a headless Service's DNS knows the pod. */
export function hostnameOf(pod: Pod, service: Service): string | undefined {
  const { hostname, subdomain } = pod.spec ?? {};
  return hostname !== undefined && hostname !== '' && subdomain === nameOf(service) ? hostname : undefined;
}

/** When the pod last became ready or unready; its creation before that. */
export function changedAtMs(pod: Pod): number {
  return timeOf(podCondition(pod, 'Ready')?.lastTransitionTime) || timeOf(pod.metadata?.creationTimestamp);
}
