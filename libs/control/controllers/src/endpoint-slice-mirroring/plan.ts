/** The EndpointSlices that say what an Endpoints object of a Service without a selector says. KEP-752. */
import {
  type DiscoveryV1EndpointPort as EndpointPort,
  type Endpoint,
  type EndpointAddress,
  type Endpoints,
  type EndpointSlice,
  type EndpointSubset,
  sameJson,
  type Service,
} from '@periplus/api/kinds';
import type { Json } from '@periplus/api/meta';
import { encodeJson } from '@periplus/api/schema';
import { MANAGED_BY_LABEL, SERVICE_NAME_LABEL, type SlicePlan } from '../endpoint-slice/plan.js';
import { familyOf, type IpFamily } from '../endpoint-slice/service-pods.js';
import { newControllerRef } from '../shared/controller-ref.js';
import { annotationsOf, labelsOf, nameOf, namespaceOf } from '../shared/identity.js';

export const MIRRORED_BY = 'endpointslicemirroring-controller.k8s.io';
const SKIP_LABEL = 'endpointslice.kubernetes.io/skip-mirror';
const LEADER_ANNOTATION = 'control-plane.alpha.kubernetes.io/leader';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';
const ENDPOINTS_PER_SLICE_MAX = 100;
const ADDRESSES_PER_SUBSET_MAX = 1_000;

export function isMirrored(endpoints: Endpoints, service: Service): boolean {
  return (
    service.spec?.selector === undefined &&
    labelsOf(endpoints)[SKIP_LABEL] !== 'true' &&
    !Object.hasOwn(annotationsOf(endpoints), LEADER_ANNOTATION)
  );
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
}

interface Group {
  readonly addressType: IpFamily;
  readonly ports: EndpointPort[];
  readonly endpoints: Endpoint[];
}

function portsOf({ ports = [] }: EndpointSubset): EndpointPort[] {
  return ports.map(({ name, port, protocol, appProtocol }) => ({
    name: name ?? '',
    port,
    protocol: protocol ?? 'TCP',
    ...(appProtocol === undefined ? {} : { appProtocol }),
  }));
}

const groupKey = (addressType: string, ports: readonly EndpointPort[] | undefined): string =>
  `${addressType} ${encodeJson((ports ?? []) as unknown as Json)}`;

function groupsOf(endpoints: Endpoints): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const subset of endpoints.subsets ?? []) {
    const ports = portsOf(subset);
    const all = [
      ...(subset.addresses ?? []).map((address) => ({ address, ready: true })),
      ...(subset.notReadyAddresses ?? []).map((address) => ({ address, ready: false })),
    ].slice(0, ADDRESSES_PER_SUBSET_MAX);
    for (const { address, ready } of all) {
      const addressType = familyOf(address.ip);
      const key = groupKey(addressType, ports);
      let group = groups.get(key);
      if (group === undefined) groups.set(key, (group = { addressType, ports, endpoints: [] }));
      group.endpoints.push(endpointOf(address, ready));
    }
  }
  return groups;
}

function sliceOf(endpoints: Endpoints, { addressType, ports }: Group, part: Endpoint[]): EndpointSlice {
  const { [LAST_APPLIED]: _applied, [TRIGGER_TIME]: _trigger, ...annotations } = annotationsOf(endpoints);
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      generateName: `${nameOf(endpoints)}-`,
      namespace: namespaceOf(endpoints),
      labels: {
        ...labelsOf(endpoints),
        [SERVICE_NAME_LABEL]: nameOf(endpoints),
        [MANAGED_BY_LABEL]: MIRRORED_BY,
      },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ownerReferences: [newControllerRef(endpoints, 'v1', 'Endpoints')],
    },
    addressType,
    ports,
    endpoints: part,
  };
}

/** `slices`: those that mirror this Endpoints already. Slices of the same family and ports are written over, in order. */
export function planMirror(endpoints: Endpoints, slices: readonly EndpointSlice[]): SlicePlan {
  const present = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const key = groupKey(slice.addressType, slice.ports);
    present.set(key, [...(present.get(key) ?? []), slice]);
  }
  const create: EndpointSlice[] = [];
  const update: EndpointSlice[] = [];
  for (const [key, group] of groupsOf(endpoints)) {
    const known = (present.get(key) ?? []).toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    for (let start = 0; start < group.endpoints.length; start += ENDPOINTS_PER_SLICE_MAX) {
      const wanted = sliceOf(endpoints, group, group.endpoints.slice(start, start + ENDPOINTS_PER_SLICE_MAX));
      const before = known.shift();
      if (before === undefined) {
        create.push(wanted);
        continue;
      }
      const { labels, annotations } = wanted.metadata ?? {};
      const { annotations: _old, ...metadata } = before.metadata ?? {};
      const next = {
        ...before,
        metadata: { ...metadata, labels, ...(annotations === undefined ? {} : { annotations }) },
        endpoints: wanted.endpoints,
      } as EndpointSlice;
      if (!sameJson(before, next)) update.push(next);
    }
    present.set(key, known);
  }
  return { create, update, delete: [...present.values()].flat() };
}
