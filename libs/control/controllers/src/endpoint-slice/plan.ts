/**
 * Which EndpointSlices a Service should have: its pods grouped by address family and by the ports they have, at most 100
 * in a slice, with as few slices written as possible. What is there is kept where it is; what is new fills up slices that
 * are written anyway, then one with room, then new ones.
 */
import type {
  DiscoveryV1EndpointPort as EndpointPort,
  Endpoint,
  EndpointSlice,
  Pod,
  Service,
} from '@periplus/api/kinds';
import type { Json } from '@periplus/api/meta';
import { encodeJson } from '@periplus/api/schema';
import { formatTime } from '@periplus/base/clock';
import { newControllerRef } from '../shared/controller-ref.js';
import { isDeleting, labelsOf, nameOf, namespaceOf, uidOf } from '../shared/identity.js';
import { isReady } from '../shared/pod-state.js';
import {
  addressOf,
  changedAtMs,
  familiesOf,
  hasEndpoint,
  hostnameOf,
  type IpFamily,
  isHeadless,
  portsOf,
} from './service-pods.js';

export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
export const MANAGED_BY_LABEL = 'endpointslice.kubernetes.io/managed-by';
export const MANAGED_BY = 'endpointslice-controller.k8s.io';
export const HEADLESS_LABEL = 'service.kubernetes.io/headless';
const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';
const ENDPOINTS_PER_SLICE_MAX = 100;

export interface SlicePlan {
  readonly create: readonly EndpointSlice[];
  /** Whole objects, with the resourceVersion that was seen. */
  readonly update: readonly EndpointSlice[];
  readonly delete: readonly EndpointSlice[];
}

export interface SliceState {
  readonly service: Service;
  /** Selected by the Service. */
  readonly pods: readonly Pod[];
  /** Managed by this controller, of this Service. */
  readonly slices: readonly EndpointSlice[];
  zoneOf(nodeName: string): string | undefined;
}

interface Wanted {
  readonly key: string;
  readonly endpoint: Endpoint;
  readonly changedAtMs: number;
}

interface Group {
  readonly addressType: IpFamily;
  readonly ports: EndpointPort[];
  readonly wanted: Map<string, Wanted>;
}

const canonical = (value: unknown): string => encodeJson(value as Json);
const same = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b);
const groupKey = (addressType: string, ports: readonly EndpointPort[] | undefined): string =>
  `${addressType} ${[...(ports ?? [])].map(canonical).sort().join()}`;

/** An endpoint is the same as long as it is the same pod at the same address. */
const endpointKey = (endpoint: Endpoint): string => `${endpoint.targetRef?.uid ?? ''} ${endpoint.addresses.join()}`;

function endpointOf(pod: Pod, address: string, state: SliceState): Endpoint {
  const serving = isReady(pod);
  const terminating = isDeleting(pod);
  const ready = (serving && !terminating) || state.service.spec?.publishNotReadyAddresses === true;
  const hostname = hostnameOf(pod, state.service);
  const nodeName = pod.spec?.nodeName;
  const zone = nodeName === undefined ? undefined : state.zoneOf(nodeName);
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hostname === undefined ? {} : { hostname }),
    targetRef: { kind: 'Pod', namespace: namespaceOf(pod), name: nameOf(pod), uid: uidOf(pod) },
    ...(nodeName === undefined || nodeName === '' ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
  };
}

function groupsOf(state: SliceState): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const addressType of familiesOf(state.service)) {
    for (const pod of state.pods) {
      const address = hasEndpoint(pod) ? addressOf(pod, addressType) : undefined;
      if (address === undefined) continue;
      const ports: EndpointPort[] = portsOf(pod, state.service);
      if (ports.length === 0 && !isHeadless(state.service)) continue;
      const key = groupKey(addressType, ports);
      let group = groups.get(key);
      if (group === undefined) groups.set(key, (group = { addressType, ports, wanted: new Map() }));
      const endpoint = endpointOf(pod, address, state);
      const wanted = { key: endpointKey(endpoint), endpoint, changedAtMs: changedAtMs(pod) };
      group.wanted.set(wanted.key, wanted);
    }
  }
  return groups;
}

function labelsFor(service: Service): Record<string, string> {
  const { [SERVICE_NAME_LABEL]: _service, [MANAGED_BY_LABEL]: _manager, ...labels } = labelsOf(service);
  delete labels[HEADLESS_LABEL];
  return {
    ...labels,
    ...(isHeadless(service) ? { [HEADLESS_LABEL]: '' } : {}),
    [SERVICE_NAME_LABEL]: nameOf(service),
    [MANAGED_BY_LABEL]: MANAGED_BY,
  };
}

/** A slice while endpoints are given out. */
interface Drawer {
  readonly slice: EndpointSlice | undefined;
  endpoints: Endpoint[];
  changed: boolean;
  changedAtMs: number;
}

function drawerOf(slice: EndpointSlice, wanted: Map<string, Wanted>, taken: Set<string>): Drawer {
  const drawer: Drawer = { slice, endpoints: [], changed: false, changedAtMs: 0 };
  for (const present of slice.endpoints ?? []) {
    const match = wanted.get(endpointKey(present));
    if (match === undefined || taken.has(match.key)) {
      drawer.changed = true;
      continue;
    }
    taken.add(match.key);
    drawer.endpoints.push(match.endpoint);
    if (same(match.endpoint, present)) continue;
    drawer.changed = true;
    drawer.changedAtMs = Math.max(drawer.changedAtMs, match.changedAtMs);
  }
  return drawer;
}

/** Gives each new endpoint a place; returns the drawers, new ones last. */
function distribute(group: Group, slices: readonly EndpointSlice[]): Drawer[] {
  const taken = new Set<string>();
  const drawers = slices.map((slice) => drawerOf(slice, group.wanted, taken));
  const left = [...group.wanted.values()].filter(({ key }) => !taken.has(key));
  const room = (drawer: Drawer): number => ENDPOINTS_PER_SLICE_MAX - drawer.endpoints.length;
  const put = (drawer: Drawer): void => {
    for (const { endpoint, changedAtMs: at } of left.splice(0, room(drawer))) {
      drawer.endpoints.push(endpoint);
      drawer.changed = true;
      drawer.changedAtMs = Math.max(drawer.changedAtMs, at);
    }
  };
  for (const drawer of drawers) if (drawer.changed && left.length > 0) put(drawer);
  while (left.length > 0) {
    const fitting = drawers.filter((drawer) => room(drawer) >= Math.min(left.length, ENDPOINTS_PER_SLICE_MAX));
    let target = fitting.sort((a, b) => room(a) - room(b))[0];
    if (target === undefined) {
      target = { slice: undefined, endpoints: [], changed: true, changedAtMs: 0 };
      drawers.push(target);
    }
    put(target);
  }
  return drawers;
}

function annotationsFor(drawer: Drawer): Record<string, string> | undefined {
  const before = drawer.slice?.metadata?.annotations;
  if (drawer.changedAtMs === 0) return before;
  return { ...before, [TRIGGER_TIME]: formatTime(drawer.changedAtMs) };
}

function newSlice(service: Service, addressType: IpFamily, ports: EndpointPort[], drawer: Drawer): EndpointSlice {
  const annotations = annotationsFor(drawer);
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      generateName: `${nameOf(service)}-`,
      namespace: namespaceOf(service),
      labels: labelsFor(service),
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [newControllerRef(service, 'v1', 'Service')],
    },
    addressType,
    endpoints: drawer.endpoints,
    ports,
  };
}

function changedSlice(service: Service, slice: EndpointSlice, ports: EndpointPort[], drawer: Drawer): EndpointSlice {
  const annotations = annotationsFor(drawer);
  return {
    ...slice,
    metadata: { ...slice.metadata, labels: labelsFor(service), ...(annotations === undefined ? {} : { annotations }) },
    endpoints: drawer.endpoints,
    ports,
  };
}

export function planSlices(state: SliceState): SlicePlan {
  const { service } = state;
  const create: EndpointSlice[] = [];
  const update: EndpointSlice[] = [];
  const unwanted: EndpointSlice[] = [];
  const groups = groupsOf(state);
  const present = state.slices.filter((slice) => !isDeleting(slice));
  for (const slice of present) if (!groups.has(groupKey(slice.addressType, slice.ports))) unwanted.push(slice);
  const served = new Set<string>();
  for (const [key, group] of groups) {
    served.add(group.addressType);
    const slices = present.filter((slice) => groupKey(slice.addressType, slice.ports) === key);
    for (const drawer of distribute(group, slices)) {
      const { slice } = drawer;
      if (slice === undefined) create.push(newSlice(service, group.addressType, group.ports, drawer));
      else if (drawer.endpoints.length === 0) unwanted.push(slice);
      else if (drawer.changed || !same(labelsOf(slice), labelsFor(service)))
        update.push(changedSlice(service, slice, group.ports, drawer));
    }
  }
  const kept = planPlaceholders(state, served, unwanted, create, update);
  return { create, update, delete: unwanted.filter((slice) => !kept.has(slice)) };
}

/** A family without endpoints has one empty slice, so that all can see that there are none. Returns what stays for it. */
function planPlaceholders(
  { service }: SliceState,
  served: ReadonlySet<string>,
  unwanted: readonly EndpointSlice[],
  create: EndpointSlice[],
  update: EndpointSlice[],
): Set<EndpointSlice> {
  const kept = new Set<EndpointSlice>();
  const empty: Drawer = { slice: undefined, endpoints: [], changed: true, changedAtMs: 0 };
  for (const family of familiesOf(service)) {
    if (served.has(family)) continue;
    const spare = unwanted.find((slice) => slice.addressType === family);
    if (spare === undefined) {
      create.push(newSlice(service, family, [], empty));
      continue;
    }
    kept.add(spare);
    const emptied = changedSlice(service, spare, [], { ...empty, slice: spare });
    const asBefore =
      (spare.endpoints ?? []).length === 0 &&
      (spare.ports ?? []).length === 0 &&
      same(labelsOf(spare), labelsFor(service));
    if (!asBefore) update.push(emptied);
  }
  return kept;
}
