/** `periplus get`: objects as they are, or as they were. */
import { stringify } from 'yaml';
import { type ObjectArgument, parseObjectArgument } from '../api/object-argument.js';
import { type ApiResource, findResource, listResources, resourcePath } from '../api/resource-names.js';
import { createRestClient, describeStatus, type RestClient } from '../api/rest-client.js';
import { type KnownCluster, knownCluster } from '../cluster/context.js';
import { CommandFailure, usageError } from '../output/command-error.js';
import { formatServerTable, type ServerTable } from '../output/server-table.js';
import { formatAge, formatTable } from '../output/text-table.js';

export type GetFormat = 'table' | 'wide' | 'yaml' | 'json' | 'name';

export interface GetOptions {
  readonly name: string;
  readonly namespace: string;
  readonly allNamespaces: boolean;
  readonly selector: string | undefined;
  readonly output: GetFormat;
  /** A duration back, a time, or a resourceVersion. */
  readonly at: string | undefined;
}

interface ObjectLike {
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
    readonly creationTimestamp?: string;
  };
}

interface Selection extends ObjectArgument {
  readonly resource: ApiResource;
  /** Undefined: all, or none as the resource has none. */
  readonly namespace: string | undefined;
}

const tableType = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

async function ask(client: RestClient, selection: Selection, options: GetOptions, accept: string): Promise<unknown> {
  const query = options.selector === undefined ? '' : `?labelSelector=${encodeURIComponent(options.selector)}`;
  const path = `${resourcePath(selection.resource, selection.namespace, selection.name)}${query}`;
  const answer = await client.send({ path, accept });
  if (answer.status !== 200) throw new CommandFailure(describeStatus(answer));
  return answer.body;
}

/** One object, or a List of them, at a point of the past. */
async function askPast(cluster: KnownCluster, selection: Selection, options: GetOptions, at: string): Promise<unknown> {
  const { openSdkClient } = await import('../api/sdk-connection.js');
  const client = openSdkClient(cluster);
  const { group, version, resource } = selection.resource;
  const target = { group, version, resource, namespace: selection.namespace ?? '' };
  try {
    if (selection.name !== undefined) return await client.get({ ...target, name: selection.name }, { at });
    const selector = options.selector === undefined ? {} : { labelSelector: options.selector };
    const { items, resourceVersion } = await client.list(target, { at, ...selector });
    return { apiVersion: 'v1', kind: 'List', metadata: { resourceVersion }, items };
  } finally {
    client.close();
  }
}

const itemsOf = (answer: unknown): readonly ObjectLike[] =>
  (answer as { readonly items?: readonly ObjectLike[] }).items ?? [answer as ObjectLike];

function formatNames(answer: unknown, { group, kind }: ApiResource): string {
  const prefix = `${kind.toLowerCase()}${group === '' ? '' : `.${group}`}`;
  return itemsOf(answer)
    .map((object) => `${prefix}/${object.metadata?.name ?? ''}`)
    .join('\n');
}

/** Of past objects, for which the server makes no table: what all kinds have. */
function formatPastTable(answer: unknown): string {
  const rows = itemsOf(answer).map(({ metadata }) => [
    metadata?.namespace ?? '',
    metadata?.name ?? '',
    metadata?.resourceVersion ?? '',
    metadata?.creationTimestamp === undefined ? '' : formatAge(Date.now() - Date.parse(metadata.creationTimestamp)),
  ]);
  return formatTable(['NAMESPACE', 'NAME', 'REVISION', 'CREATED'], rows);
}

/** Who manages which field is for machines, and longer than the object: kubectl leaves it out too. */
function withoutManagedFields(answer: unknown): unknown {
  const strip = (object: ObjectLike) => {
    const { managedFields: _, ...metadata } = (object.metadata ?? {}) as Record<string, unknown>;
    return { ...object, metadata };
  };
  const { items } = answer as { readonly items?: readonly ObjectLike[] };
  return items === undefined ? strip(answer as ObjectLike) : { ...(answer as object), items: items.map(strip) };
}

async function render(
  cluster: KnownCluster,
  client: RestClient,
  selection: Selection,
  options: GetOptions,
): Promise<string> {
  const { at, output } = options;
  const asTable = output === 'table' || output === 'wide';
  if (asTable && at === undefined) {
    const table = (await ask(client, selection, options, tableType)) as ServerTable;
    return formatServerTable(table, { wide: output === 'wide', namespaces: options.allNamespaces });
  }
  const answer =
    at === undefined
      ? await ask(client, selection, options, 'application/json')
      : await askPast(cluster, selection, options, at);
  if (output === 'json') return JSON.stringify(withoutManagedFields(answer), null, 4);
  if (output === 'name') return formatNames(answer, selection.resource);
  if (asTable && selection.name === undefined) return formatPastTable(answer);
  return stringify(withoutManagedFields(answer)).trimEnd();
}

export async function get(first: string, second: string | undefined, options: GetOptions): Promise<void> {
  const argument = parseObjectArgument(first, second);
  if (argument.name !== undefined && options.selector !== undefined)
    throw usageError('give a name or a selector, not both');
  if (argument.name !== undefined && options.allNamespaces) throw usageError('give a name or all namespaces, not both');
  const cluster = knownCluster(options.name);
  const client = createRestClient(cluster.plan, cluster.paths);
  try {
    const resource = findResource(await listResources(client), argument.kind);
    const namespace = resource.namespaced && !options.allNamespaces ? options.namespace : undefined;
    const text = await render(cluster, client, { ...argument, resource, namespace }, options);
    if (text !== '') process.stdout.write(`${text}\n`);
    else process.stderr.write(`No resources found${namespace === undefined ? '' : ` in ${namespace} namespace`}.\n`);
  } finally {
    client.close();
  }
}
