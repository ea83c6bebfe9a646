/** Discovery documents: /api, /apis, a group, a group's version; and all of them at once in the aggregated form. */
import { createHash } from 'node:crypto';
import type {
  APIGroup,
  APIGroupDiscovery,
  APIGroupDiscoveryList,
  APIGroupList,
  APIResource,
  APIResourceDiscovery,
  APIResourceList,
  APIVersions,
  KindSchema,
} from '@periplus/api/kinds';
import { formatApiVersion } from '@periplus/api/meta';
import type { ServedGroup, ServedVersion } from './served-groups.js';

/** `/api`. `serverAddress` is `host:port` as clients reach it. */
export function toApiVersions(serverAddress: string): APIVersions {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

/** Inside the list of groups; `toApiGroup` is the document of its own. */
function groupEntry(group: ServedGroup): APIGroup {
  const versions = group.versions.map(({ version }) => ({
    groupVersion: formatApiVersion({ group: group.name, version }),
    version,
  }));
  return { name: group.name, versions, preferredVersion: versions[0]! };
}

/** `/apis`. */
export function toApiGroupList(groups: readonly ServedGroup[]): APIGroupList {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.filter(({ name }) => name !== '').map(groupEntry) };
}

/** `/apis/GROUP`. */
export function toApiGroup(group: ServedGroup): APIGroup {
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group) };
}

/** Opaque to clients: equal for versions that store alike. */
function storageVersionHash(kind: KindSchema): string {
  const text = `${kind.storage.group}/${kind.storage.version}/${kind.kind}`;
  return createHash('sha512').update(text).digest().subarray(0, 8).toString('base64');
}

function toApiResource(kind: KindSchema): APIResource {
  return {
    name: kind.resource,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: [...kind.verbs],
    ...(kind.shortNames.length > 0 ? { shortNames: [...kind.shortNames] } : {}),
    ...(kind.categories.length > 0 ? { categories: [...kind.categories] } : {}),
    ...(kind.class === 'resource' ? { storageVersionHash: storageVersionHash(kind) } : {}),
  };
}

/** Group and version are stated where the body's differ from the list's. */
function toApiSubresources(kind: KindSchema): APIResource[] {
  return kind.subresources.map((sub) => ({
    name: `${kind.resource}/${sub.name}`,
    singularName: '',
    namespaced: kind.namespaced,
    ...(sub.group === kind.group && sub.version === kind.version ? {} : { group: sub.group, version: sub.version }),
    kind: sub.kind,
    verbs: [...sub.verbs],
  }));
}

/** `/api/v1` and `/apis/GROUP/VERSION`. */
export function toApiResourceList(group: string, version: ServedVersion): APIResourceList {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: formatApiVersion({ group, version: version.version }),
    resources: version.kinds.flatMap((kind) => [toApiResource(kind), ...toApiSubresources(kind)]),
  };
}

function toResourceDiscovery(kind: KindSchema): APIResourceDiscovery {
  const subresources = kind.subresources.map((sub) => ({
    subresource: sub.name,
    responseKind: { group: sub.group, version: sub.version, kind: sub.kind },
    verbs: [...sub.verbs],
  }));
  return {
    resource: kind.resource,
    responseKind: { group: kind.group, version: kind.version, kind: kind.kind },
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: [...kind.verbs],
    ...(kind.shortNames.length > 0 ? { shortNames: [...kind.shortNames] } : {}),
    ...(kind.categories.length > 0 ? { categories: [...kind.categories] } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}

function toGroupDiscovery(group: ServedGroup): APIGroupDiscovery {
  return {
    metadata: { ...(group.name === '' ? {} : { name: group.name }), creationTimestamp: null },
    versions: group.versions.map(({ version, kinds }) => ({
      version,
      resources: kinds.map(toResourceDiscovery),
      freshness: 'Current',
    })),
  };
}

/** `apidiscovery.k8s.io/v2`, for `/api` (the core group alone) or `/apis` (all others). */
export function toAggregatedDiscovery(groups: readonly ServedGroup[], root: 'api' | 'apis'): APIGroupDiscoveryList {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.filter(({ name }) => (name === '') === (root === 'api')).map(toGroupDiscovery),
  };
}
