/** What is served, in the order in which clients look: groups, their versions, the kinds in them. */
import type { KindSchema, SchemaTable } from '@periplus/api/kinds';

export interface ServedVersion {
  readonly version: string;
  /** Stored kinds and reviews, by resource name. */
  readonly kinds: readonly KindSchema[];
}

export interface ServedGroup {
  /** `''` for core. */
  readonly name: string;
  /** The preferred one first. */
  readonly versions: readonly ServedVersion[];
}

/** Where a resource name stands in several groups, clients take the first: workloads before the rest. */
const groupOrder = [
  '',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
];

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function orderOf(group: string): number {
  const index = groupOrder.indexOf(group);
  return index === -1 ? groupOrder.length : index;
}

/** `v2` before `v1` before `v1beta1` before `v1alpha1`; anything else last, by name. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [parseVersion(a), parseVersion(b)];
  if (x === undefined || y === undefined) return x === y ? compareText(a, b) : x === undefined ? 1 : -1;
  return y.stability - x.stability || y.major - x.major || y.minor - x.minor;
}

function parseVersion(version: string): { stability: number; major: number; minor: number } | undefined {
  const match = /^v([0-9]{1,6})(?:(alpha|beta)([0-9]{1,6}))?$/.exec(version);
  if (match === null) return undefined;
  const stability = match[2] === 'alpha' ? 0 : match[2] === 'beta' ? 1 : 2;
  return { stability, major: Number(match[1]), minor: Number(match[3] ?? 0) };
}

/** A version whose kinds are all for old clients. */
const isLegacy = (version: ServedVersion): boolean => version.kinds.every((kind) => kind.served === 'legacy');

export function servedGroups(table: SchemaTable): ServedGroup[] {
  const groups = new Map<string, Map<string, KindSchema[]>>();
  for (const kind of table.kinds) {
    if (kind.class === 'body' || kind.served === 'off') continue;
    const versions = groups.get(kind.group) ?? new Map<string, KindSchema[]>();
    groups.set(kind.group, versions.set(kind.version, [...(versions.get(kind.version) ?? []), kind]));
  }
  return [...groups]
    .map(([name, versions]) => ({ name, versions: sortVersions(versions) }))
    .sort(
      (a, b) =>
        Number(a.versions.every(isLegacy)) - Number(b.versions.every(isLegacy)) ||
        orderOf(a.name) - orderOf(b.name) ||
        compareText(a.name, b.name),
    );
}

function sortVersions(versions: ReadonlyMap<string, readonly KindSchema[]>): ServedVersion[] {
  return [...versions]
    .map(([version, kinds]) => ({ version, kinds: [...kinds].sort((a, b) => compareText(a.resource, b.resource)) }))
    .sort((a, b) => Number(isLegacy(a)) - Number(isLegacy(b)) || compareVersions(a.version, b.version));
}
