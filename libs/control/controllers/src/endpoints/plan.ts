/** The Endpoints object of a Service, for clients that don't read EndpointSlices: addresses grouped by the ports they have. */
import type { CoreV1EndpointPort, EndpointAddress, Endpoints, EndpointSubset, Pod, Service } from '@periplus/api/kinds';
import type { Json } from '@periplus/api/meta';
import { encodeJson } from '@periplus/api/schema';
import { formatTime } from '@periplus/base/clock';
import { HEADLESS_LABEL } from '../endpoint-slice/plan.js';
import {
  addressOf,
  changedAtMs,
  familiesOf,
  hasEndpoint,
  hostnameOf,
  isHeadless,
  portsOf,
} from '../endpoint-slice/service-pods.js';
import { annotationsOf, isDeleting, labelsOf, nameOf, namespaceOf, uidOf } from '../shared/identity.js';
import { isReady } from '../shared/pod-state.js';

const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';
export const MANAGED_BY_LABEL = 'endpoints.kubernetes.io/managed-by';
const ADDRESSES_MAX = 1_000;

const canonical = (value: unknown): string => encodeJson(value as Json);

interface Group {
  readonly ports: CoreV1EndpointPort[];
  readonly ready: EndpointAddress[];
  readonly notReady: EndpointAddress[];
}

const byAddress = (a: EndpointAddress, b: EndpointAddress): number => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0);

function endpointPorts(pod: Pod, service: Service): CoreV1EndpointPort[] {
  return portsOf(pod, service)
    .map(({ name, ...port }) => (name === '' ? port : { name, ...port }))
    .sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1));
}

function groupsOf(service: Service, pods: readonly Pod[]): Group[] {
  const [family] = familiesOf(service);
  const groups = new Map<string, Group>();
  for (const pod of pods) {
    if (!hasEndpoint(pod) || isDeleting(pod)) continue;
    const ip = addressOf(pod, family ?? 'IPv4');
    const ports = endpointPorts(pod, service);
    if (ip === undefined || (ports.length === 0 && !isHeadless(service))) continue;
    const key = canonical(ports);
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { ports, ready: [], notReady: [] }));
    const hostname = hostnameOf(pod, service);
    const nodeName = pod.spec?.nodeName;
    const ready = isReady(pod) || service.spec?.publishNotReadyAddresses === true;
    (ready ? group.ready : group.notReady).push({
      ip,
      ...(hostname === undefined ? {} : { hostname }),
      ...(nodeName === undefined || nodeName === '' ? {} : { nodeName }),
      targetRef: { kind: 'Pod', namespace: namespaceOf(pod), name: nameOf(pod), uid: uidOf(pod) },
    });
  }
  return [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

/** Ready ones first when there are too many. */
function subsetsOf(groups: readonly Group[]): { subsets: EndpointSubset[]; truncated: boolean } {
  let left = ADDRESSES_MAX;
  const take = (addresses: EndpointAddress[]): EndpointAddress[] => {
    const taken = addresses.sort(byAddress).slice(0, left);
    left -= taken.length;
    return taken;
  };
  const ready = groups.map((group) => take(group.ready));
  const notReady = groups.map((group) => take(group.notReady));
  const subsets = groups.map((group, index): EndpointSubset => {
    const addresses = ready[index] ?? [];
    const notReadyAddresses = notReady[index] ?? [];
    return {
      ...(addresses.length === 0 ? {} : { addresses }),
      ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
      ...(group.ports.length === 0 ? {} : { ports: group.ports }),
    };
  });
  const truncated = groups.some(
    (group, index) =>
      group.ready.length > (ready[index]?.length ?? 0) || group.notReady.length > (notReady[index]?.length ?? 0),
  );
  return { subsets: subsets.filter((subset) => subset.addresses ?? subset.notReadyAddresses), truncated };
}

function labelsFor(service: Service): Record<string, string> {
  const { [HEADLESS_LABEL]: _headless, ...labels } = labelsOf(service);
  return {
    ...labels,
    ...(isHeadless(service) ? { [HEADLESS_LABEL]: '' } : {}),
    [MANAGED_BY_LABEL]: 'endpoint-controller',
  };
}

/** What to write; undefined when `present` is as it should be. */
export function planEndpoints(
  service: Service,
  pods: readonly Pod[],
  present: Endpoints | undefined,
): Endpoints | undefined {
  const { subsets, truncated } = subsetsOf(groupsOf(service, pods));
  const labels = labelsFor(service);
  const before = annotationsOf(present ?? {});
  const sameCapacity = (before[OVER_CAPACITY] === 'truncated') === truncated;
  if (
    present !== undefined &&
    sameCapacity &&
    canonical(present.subsets ?? []) === canonical(subsets) &&
    canonical(labelsOf(present)) === canonical(labels)
  )
    return undefined;
  const { [OVER_CAPACITY]: _capacity, ...annotations } = before;
  const changedAt = Math.max(0, ...pods.map(changedAtMs));
  if (truncated) annotations[OVER_CAPACITY] = 'truncated';
  if (changedAt > 0) annotations[TRIGGER_TIME] = formatTime(changedAt);
  return {
    ...present,
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { ...present?.metadata, name: nameOf(service), namespace: namespaceOf(service), labels, annotations },
    subsets,
  };
}
