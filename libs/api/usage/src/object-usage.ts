/** What an object of any kind uses of a quota. */
import type { PersistentVolumeClaim, Pod, Service } from '@periplus/api/kinds';
import { type KubeObject, type Quantity, toQuantity } from '@periplus/api/meta';
import { podUsage } from './pod-usage.js';

export interface CountedResource {
  readonly group: string;
  readonly resource: string;
}

const one = toQuantity('1');
const countOf = (count: number): Quantity => toQuantity(String(count));

/** Quotas knew these before any kind could be counted, and know them by their plain names too. */
const plainNames: ReadonlySet<string> = new Set([
  'configmaps',
  'persistentvolumeclaims',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
]);

const CLASS_SUFFIX = '.storageclass.storage.k8s.io/';

function serviceUsage({ spec }: Service): [string, Quantity][] {
  const balanced = spec?.type === 'LoadBalancer';
  const ported = spec?.type === 'NodePort' || (balanced && spec.allocateLoadBalancerNodePorts !== false);
  const asked = (spec?.ports ?? []).filter(({ nodePort }) => (nodePort ?? 0) !== 0);
  const nodePorts = ported ? (spec?.ports ?? []).length : balanced ? asked.length : 0;
  return [
    ['services.nodeports', countOf(nodePorts)],
    ['services.loadbalancers', countOf(balanced ? 1 : 0)],
  ];
}

function claimUsage({ spec, status }: PersistentVolumeClaim): [string, Quantity][] {
  const asked = spec?.resources?.requests?.storage;
  const given = status?.allocatedResources?.storage;
  const sizes = [asked, given].filter((text) => text !== undefined).map(toQuantity);
  const size = sizes.reduce<Quantity | undefined>((a, b) => (a === undefined || b.nanos > a.nanos ? b : a), undefined);
  const prefix = spec?.storageClassName ? `${spec.storageClassName}${CLASS_SUFFIX}` : undefined;
  const names = [prefix, ''].filter((text) => text !== undefined);
  return names.flatMap((before): [string, Quantity][] => [
    [`${before}persistentvolumeclaims`, one],
    ...(size === undefined ? [] : [[`${before}requests.storage`, size] as [string, Quantity]]),
  ]);
}

export function usageOf(
  { group, resource }: CountedResource,
  object: KubeObject,
  nowMs: number,
): Map<string, Quantity> {
  if (group === '' && resource === 'pods') return podUsage(object as Pod, nowMs);
  const usage = new Map<string, Quantity>([[`count/${group === '' ? resource : `${resource}.${group}`}`, one]]);
  if (group !== '') return usage;
  if (plainNames.has(resource)) usage.set(resource, one);
  const more =
    resource === 'services'
      ? serviceUsage(object as Service)
      : resource === 'persistentvolumeclaims'
        ? claimUsage(object as PersistentVolumeClaim)
        : [];
  for (const [name, amount] of more) usage.set(name, amount);
  return usage;
}

/** The resource whose objects a name in a quota counts. */
export function countedBy(name: string): CountedResource {
  if (name.startsWith('count/')) {
    const [resource = '', ...group] = name.slice('count/'.length).split('.');
    return { group: group.join('.'), resource };
  }
  if (plainNames.has(name)) return { group: '', resource: name };
  if (name.startsWith('services.')) return { group: '', resource: 'services' };
  const isClaims = name === 'requests.storage' || name.includes(CLASS_SUFFIX);
  return { group: '', resource: isClaims ? 'persistentvolumeclaims' : 'pods' };
}
