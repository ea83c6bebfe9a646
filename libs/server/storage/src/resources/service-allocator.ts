/** Gives Services their cluster IPs and node ports, and takes them back: what each needs follows from its type. */
import type { Service, ServicePort, ServiceSpec } from '@periplus/api/kinds';
import { type FieldError, internalError, invalid, invalidField, type ObjectMeta } from '@periplus/api/meta';
import { formatTime, type Random, type Time } from '@periplus/base/clock';
import type { WatchCache } from '@periplus/view/watch-cache';
import type { PlannedWrite } from '../log-writer.js';
import type { TransactionDraft } from '../transaction-draft.js';
import { randomUid } from '../server-made.js';
import { formatIpv4, type IpRange, isUsable, parseIpv4 } from './ip-range.js';
import { type Holder, planRelease, planReservation, type Reserved, reservationKey } from './reservation.js';

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `30000-32767`. Throws RangeError for anything else. */
export function parsePortRange(text: string): PortRange {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2]);
  if (match === null || first < 1 || last > 65_535 || first > last)
    throw new RangeError(`${JSON.stringify(text)} is no range of ports`);
  return { first, last };
}

export interface ServiceAllocator {
  /**
   * Fills in what the service asks for; the entries reserve what is new and release what is not needed any more. Nothing is
   * taken that `draft` writes already. Throws 422.
   */
  plan(service: Service, old: Service | undefined, draft?: TransactionDraft): readonly PlannedWrite[];
  /** The entries for a service that goes. */
  release(service: Service): readonly PlannedWrite[];
}

export interface ServiceAllocatorOptions {
  readonly cache: WatchCache;
  readonly clusterIps: IpRange;
  readonly nodePorts: PortRange;
  readonly time: Time;
  readonly random: Random;
}

const randomTries = 64;

/** The lower part of a range is left to those who ask for a certain number; upstream's formulas. */
const lowerIps = (size: number): number => Math.min(Math.max(16, Math.floor(size / 16)), 256);
const lowerPorts = (size: number): number => (size < 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 32)), 128));

/** A free number of [0, size): at random from the upper part, then the first that is free anywhere. */
function findFree(
  size: number,
  lower: number,
  random: Random,
  isFree: (offset: number) => boolean,
): number | undefined {
  const upper = size - lower;
  for (let attempt = 0; attempt < randomTries && upper > 0; attempt++) {
    const offset = lower + Math.floor(random.next() * upper);
    if (isFree(offset)) return offset;
  }
  for (let step = 0; step < size; step++) {
    const offset = (lower + step) % size;
    if (isFree(offset)) return offset;
  }
  return undefined;
}

const hasNodePorts = (spec: ServiceSpec): boolean =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
const needsHealthPort = (spec: ServiceSpec): boolean =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';

function heldBy(service: Service | undefined): Map<string, Reserved> {
  const held = new Map<string, Reserved>();
  const spec = service?.spec;
  if (spec === undefined) return held;
  const add = (reserved: Reserved): void => void held.set(reservationKey(reserved).name, reserved);
  if (
    spec.type !== 'ExternalName' &&
    spec.clusterIP &&
    spec.clusterIP !== 'None' &&
    parseIpv4(spec.clusterIP) !== undefined
  )
    add({ type: 'ip', address: spec.clusterIP });
  if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') {
    for (const port of spec.ports ?? []) if (port.nodePort) add({ type: 'port', port: port.nodePort });
    if (spec.healthCheckNodePort) add({ type: 'port', port: spec.healthCheckNodePort });
  }
  return held;
}

export function createServiceAllocator(options: ServiceAllocatorOptions): ServiceAllocator {
  const { cache, clusterIps, nodePorts, time, random } = options;
  type IsTaken = (reserved: Reserved) => boolean;

  const refuse = (service: Service, error: FieldError): never => {
    throw invalid({ group: '', kind: 'Service' }, service.metadata?.name ?? '', [error]);
  };

  function freeIp(isTaken: IsTaken): string {
    const usable = clusterIps.size - 2;
    const offset = findFree(
      usable,
      lowerIps(clusterIps.size),
      random,
      (at) => !isTaken({ type: 'ip', address: formatIpv4(clusterIps.first + 1 + at) }),
    );
    if (offset === undefined) throw internalError('failed to allocate a serviceIP: range is full');
    return formatIpv4(clusterIps.first + 1 + offset);
  }

  function freePort(chosen: ReadonlySet<number>, isTaken: IsTaken): number {
    const size = nodePorts.last - nodePorts.first + 1;
    const offset = findFree(size, lowerPorts(size), random, (at) => {
      const port = nodePorts.first + at;
      return !chosen.has(port) && !isTaken({ type: 'port', port });
    });
    if (offset === undefined) throw internalError('failed to allocate a nodePort: range is full');
    return nodePorts.first + offset;
  }

  function fillAddresses(service: Service, spec: ServiceSpec, isTaken: IsTaken): void {
    if (spec.type === 'ExternalName') {
      delete spec.clusterIP;
      delete spec.clusterIPs;
      delete spec.ipFamilies;
      delete spec.ipFamilyPolicy;
      return;
    }
    if (!spec.clusterIP && spec.clusterIPs?.[0]) spec.clusterIP = spec.clusterIPs[0];
    if (!spec.clusterIP) spec.clusterIP = freeIp(isTaken);
    if (!spec.clusterIPs || spec.clusterIPs.length === 0) spec.clusterIPs = [spec.clusterIP];
    if (spec.clusterIPs[0] !== spec.clusterIP)
      refuse(service, invalidField('spec.clusterIPs', spec.clusterIPs, 'first value must match `clusterIP`'));
    spec.ipFamilies ??= ['IPv4'];
    spec.ipFamilyPolicy ??= 'SingleStack';
  }

  function fillPorts(spec: ServiceSpec, old: Service | undefined, isTaken: IsTaken): void {
    const ports = spec.ports ?? [];
    if (!hasNodePorts(spec)) {
      // What was given out comes back when the type no longer has node ports; a client's own wish is for validation to refuse.
      const before = new Set((old?.spec?.ports ?? []).map((port) => port.nodePort));
      if (spec.type !== 'LoadBalancer') for (const port of ports) if (before.has(port.nodePort)) delete port.nodePort;
      return;
    }
    const chosen = new Set(ports.flatMap((port) => (port.nodePort ? [port.nodePort] : [])));
    const byPort = new Map<number, ServicePort>();
    for (const port of ports) if (port.nodePort) byPort.set(port.port, port);
    for (const port of ports) {
      if (port.nodePort) continue;
      // The same port over another protocol shares the node port.
      const twin = byPort.get(port.port);
      port.nodePort = twin !== undefined && twin.protocol !== port.protocol ? twin.nodePort : freePort(chosen, isTaken);
      chosen.add(port.nodePort!);
      byPort.set(port.port, port);
    }
  }

  function fillHealthPort(spec: ServiceSpec, isTaken: IsTaken): void {
    if (!needsHealthPort(spec)) delete spec.healthCheckNodePort;
    else if (!spec.healthCheckNodePort)
      spec.healthCheckNodePort = freePort(new Set((spec.ports ?? []).flatMap((port) => port.nodePort ?? [])), isTaken);
  }

  function check(service: Service, reserved: Reserved, isTaken: IsTaken): void {
    if (reserved.type === 'ip') {
      const address = parseIpv4(reserved.address);
      const problem = (detail: string): never =>
        refuse(
          service,
          invalidField(
            'spec.clusterIPs',
            service.spec?.clusterIPs ?? [reserved.address],
            `failed to allocate IP ${reserved.address}: ${detail}`,
          ),
        );
      if (address === undefined || !isUsable(clusterIps, address))
        problem(`provided IP is not in the valid range. The range of valid IPs is ${clusterIps.cidr}`);
      if (isTaken(reserved)) problem('provided IP is already allocated');
      return;
    }
    const { port } = reserved;
    const at = (service.spec?.ports ?? []).findIndex((one) => one.nodePort === port);
    const field = at === -1 ? 'spec.healthCheckNodePort' : `spec.ports[${at}].nodePort`;
    if (port < nodePorts.first || port > nodePorts.last)
      refuse(
        service,
        invalidField(
          field,
          port,
          `provided port is not in the valid range. The range of valid ports is ${nodePorts.first}-${nodePorts.last}`,
        ),
      );
    if (isTaken(reserved)) refuse(service, invalidField(field, port, 'provided port is already allocated'));
  }

  const holderOf = (service: Service): Holder => ({
    namespace: service.metadata?.namespace ?? '',
    name: service.metadata?.name ?? '',
  });

  return {
    plan(service, old, draft) {
      const { spec } = service;
      if (spec === undefined) return [];
      const isTaken = (reserved: Reserved): boolean => {
        const key = reservationKey(reserved);
        return cache.get(key) !== undefined || draft?.planned(key) !== undefined;
      };
      fillAddresses(service, spec, isTaken);
      fillPorts(spec, old, isTaken);
      fillHealthPort(spec, isTaken);
      const before = heldBy(old);
      const after = heldBy(service);
      const holder = holderOf(service);
      const writes: PlannedWrite[] = [];
      for (const [name, reserved] of after) {
        if (before.has(name)) continue;
        check(service, reserved, isTaken);
        const birth: ObjectMeta = { uid: randomUid(random), creationTimestamp: formatTime(time.now()) };
        writes.push(planReservation(cache, reserved, holder, birth));
      }
      for (const [name, reserved] of before) {
        const write = after.has(name) ? undefined : planRelease(cache, reserved, holder);
        if (write !== undefined) writes.push(write);
      }
      return writes;
    },
    release(service) {
      const holder = holderOf(service);
      return [...heldBy(service).values()].flatMap((reserved) => planRelease(cache, reserved, holder) ?? []);
    },
  };
}
