/**
 * Numbers that at most one Service may hold, cluster IPs and node ports, as objects of their own: a reservation is
 * created in the Service's transaction, expecting that there is none, so that two servers never give out the same one.
 * Cluster IPs are upstream's IPAddress objects.
 */
import type { IPAddress } from '@periplus/api/kinds';
import { type KubeObject, type ObjectKey, type ObjectMeta, type Revision, toRevision } from '@periplus/api/meta';
import { subjectOf } from '@periplus/log/object-events';
import type { WatchCache } from '@periplus/view/watch-cache';
import type { PlannedWrite } from '../log-writer.js';

export interface Holder {
  readonly namespace: string;
  readonly name: string;
}

/** Of our own group, which is not served. */
interface NodePortReservation extends KubeObject {
  readonly spec: { readonly parentRef: { group: string; resource: string; namespace: string; name: string } };
}

export type Reserved =
  | { readonly type: 'ip'; readonly address: string }
  | { readonly type: 'port'; readonly port: number };

const noRevision: Revision = toRevision(0);

export function reservationKey(reserved: Reserved): ObjectKey {
  return reserved.type === 'ip'
    ? { group: 'networking.k8s.io', resource: 'ipaddresses', namespace: '', name: reserved.address }
    : { group: 'internal.periplus.io', resource: 'nodeports', namespace: '', name: String(reserved.port) };
}

function reservationObject(reserved: Reserved, holder: Holder, birth: ObjectMeta): KubeObject {
  const parentRef = { group: '', resource: 'services', namespace: holder.namespace, name: holder.name };
  const { name } = reservationKey(reserved);
  if (reserved.type === 'ip') {
    const labels = {
      'ipaddress.kubernetes.io/ip-family': 'IPv4',
      'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
    };
    const address: IPAddress = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IPAddress',
      metadata: { name, labels, ...birth },
      spec: { parentRef },
    };
    return address;
  }
  const port: NodePortReservation = {
    apiVersion: 'internal.periplus.io/v1',
    kind: 'NodePort',
    metadata: { name, ...birth },
    spec: { parentRef },
  };
  return port;
}

export function planReservation(
  cache: WatchCache,
  reserved: Reserved,
  holder: Holder,
  birth: ObjectMeta,
): PlannedWrite {
  const key = reservationKey(reserved);
  return {
    verb: 'create',
    key,
    object: reservationObject(reserved, holder, birth),
    parent: noRevision,
    expected: cache.lastRevisionOf(subjectOf(key)),
  };
}

/** Undefined when the holder has no such reservation: nothing is taken from others. */
export function planRelease(cache: WatchCache, reserved: Reserved, holder: Holder): PlannedWrite | undefined {
  const key = reservationKey(reserved);
  const cached = cache.get(key);
  if (cached === undefined) return undefined;
  const object = cached.object() as NodePortReservation;
  const parent = object.spec.parentRef;
  if (parent.namespace !== holder.namespace || parent.name !== holder.name) return undefined;
  return { verb: 'delete', key, object, parent: cached.revision, expected: cached.revision };
}
