/** All that a server tells of its kinds: discovery and OpenAPI documents of one schema table, each made once, on first use. */
import { createHash } from 'node:crypto';
import type {
  APIGroup,
  APIGroupDiscoveryList,
  APIGroupList,
  APIResourceList,
  APIVersions,
  SchemaTable,
} from '@periplus/api/kinds';
import type { JsonObject } from '@periplus/api/meta';
import { toAggregatedDiscovery, toApiGroup, toApiGroupList, toApiResourceList, toApiVersions } from './discovery.js';
import { type DocumentInfo, toOpenApiV2, toOpenApiV3 } from './openapi-document.js';
import { encodeOpenApiV2 } from './openapi-protobuf.js';
import { encodeOpenApiV3 } from './openapi-v3-protobuf.js';
import { type ServedGroup, servedGroups } from './served-groups.js';

export interface PublicationOptions extends DocumentInfo {
  /** `host:port` as clients reach the server. */
  readonly serverAddress: string;
}

/** A document as it is sent. */
export interface PublishedDocument {
  readonly value: JsonObject;
  /** JSON of the value. */
  readonly json: string;
  /** Changes with the content: for ETag and the index of OpenAPI v3. Upper-case hex. */
  readonly hash: string;
}

/** A document in a form that is not JSON, as it is sent. */
export interface PublishedBytes {
  readonly bytes: Uint8Array;
  /** Changes with the content. Upper-case hex. */
  readonly hash: string;
}

/** `{"paths": {"apis/apps/v1": {"serverRelativeURL": "/openapi/v3/apis/apps/v1?hash=…"}}}` */
export interface OpenApiV3Index {
  readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>>;
}

/** Documents are shared: never change one. Undefined where the group or version isn't served. */
export interface Publication {
  /** `/api`. */
  apiVersions(): APIVersions;
  /** `/apis`. */
  apiGroupList(): APIGroupList;
  /** `/apis/GROUP`. */
  apiGroup(group: string): APIGroup | undefined;
  /** `/api/v1` (group `''`) and `/apis/GROUP/VERSION`. */
  apiResourceList(group: string, version: string): APIResourceList | undefined;
  /** `/api` and `/apis` for clients that accept `apidiscovery.k8s.io/v2`. */
  aggregatedDiscovery(root: 'api' | 'apis'): APIGroupDiscoveryList;
  /** `/openapi/v3`. */
  openApiV3Index(): OpenApiV3Index;
  /** `/openapi/v3/PATH`, by a path of the index: `api/v1`, `apis/apps/v1`. */
  openApiV3(path: string): PublishedDocument | undefined;
  /** The same as `openapi.v3.Document` in protobuf. */
  openApiV3Protobuf(path: string): PublishedBytes | undefined;
  /** `/openapi/v2`. */
  openApiV2(): PublishedDocument;
  /** The same as `openapi.v2.Document` in protobuf. */
  openApiV2Protobuf(): PublishedBytes;
}

/** Computed at most once. */
function lazy<T>(compute: () => T): () => T {
  let computed: { readonly value: T } | undefined;
  return () => {
    computed ??= { value: compute() };
    return computed.value;
  };
}

const hashOf = (content: string | Uint8Array): string =>
  createHash('sha256').update(content).digest('hex').toUpperCase();

function publish(value: JsonObject): PublishedDocument {
  const json = JSON.stringify(value);
  return { value, json, hash: hashOf(json) };
}

/** For one table: make a new publication when custom kinds come or go. */
export function createPublication(table: SchemaTable, options: PublicationOptions): Publication {
  const groups = servedGroups(table);
  const apiGroupList = lazy(() => toApiGroupList(groups));
  const aggregated = {
    api: lazy(() => toAggregatedDiscovery(groups, 'api')),
    apis: lazy(() => toAggregatedDiscovery(groups, 'apis')),
  };

  const versionDocuments = new Map(
    groups.flatMap((group) => group.versions.map((version) => versionEntry(table, group, version.version, options))),
  );
  const groupDocuments = new Map(
    groups.filter(({ name }) => name !== '').map((group) => [group.name, lazy(() => toApiGroup(group))]),
  );
  const openApiV3Index = lazy((): OpenApiV3Index => {
    const entries = [...versionDocuments].map(([path, documents]): [string, { serverRelativeURL: string }] => [
      path,
      { serverRelativeURL: `/openapi/v3/${path}?hash=${documents.openApi().hash}` },
    ]);
    return { paths: Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))) };
  });
  const openApiV2 = lazy(() =>
    publish(
      toOpenApiV2(
        table,
        groups.flatMap((group) => group.versions.flatMap((version) => version.kinds)),
        options,
      ),
    ),
  );

  const openApiV2Protobuf = lazy((): PublishedBytes => {
    const bytes = encodeOpenApiV2(openApiV2().value);
    return { bytes, hash: hashOf(bytes) };
  });

  return {
    apiVersions: () => toApiVersions(options.serverAddress),
    apiGroupList,
    apiGroup: (group) => groupDocuments.get(group)?.(),
    apiResourceList: (group, version) => versionDocuments.get(versionPath(group, version))?.resources(),
    aggregatedDiscovery: (root) => aggregated[root](),
    openApiV3Index,
    openApiV3: (path) => versionDocuments.get(path)?.openApi(),
    openApiV3Protobuf: (path) => versionDocuments.get(path)?.openApiProtobuf(),
    openApiV2,
    openApiV2Protobuf,
  };
}

const versionPath = (group: string, version: string): string =>
  group === '' ? `api/${version}` : `apis/${group}/${version}`;

interface VersionDocuments {
  readonly resources: () => APIResourceList;
  readonly openApi: () => PublishedDocument;
  readonly openApiProtobuf: () => PublishedBytes;
}

function versionEntry(
  table: SchemaTable,
  group: ServedGroup,
  name: string,
  options: PublicationOptions,
): [path: string, documents: VersionDocuments] {
  const version = group.versions.find((candidate) => candidate.version === name)!;
  const openApi = lazy(() => publish(toOpenApiV3(table, version.kinds, options)));
  return [
    versionPath(group.name, name),
    {
      resources: lazy(() => toApiResourceList(group.name, version)),
      openApi,
      openApiProtobuf: lazy(() => {
        const bytes = encodeOpenApiV3(openApi().value);
        return { bytes, hash: hashOf(bytes) };
      }),
    },
  ];
}
