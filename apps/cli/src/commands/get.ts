/** `periplus get`: objects as they are, or as they were. */
import { stringify } from 'yaml';
import { type ObjectArgument, parseKinds, parseObjectArgument } from '../api/object-argument.js';
import { type ApiResource, displayKind, findResources, listResources, resourcePath } from '../api/resource-names.js';
import { createRestClient, describeStatus, type RestClient } from '../api/rest-client.js';
import { type KnownCluster, requireRoot, runningCluster } from '../cluster/context.js';
import { CommandFailure, usageError } from '../output/command-error.js';
import { formatServerTable, type ServerTable } from '../output/server-table.js';

export type GetFormat = 'table' | 'wide' | 'yaml' | 'json' | 'name';

export interface GetOptions {
  readonly name: string;
  readonly namespace: string;
  readonly allNamespaces: boolean;
  readonly selector: string | undefined;
  /** Undefined: a table, but YAML for one object of the past. */
  readonly output: GetFormat | undefined;
  /** A duration back, a time, or a resourceVersion. */
  readonly at: string | undefined;
}

interface ObjectLike {
  readonly metadata?: { readonly name?: string };
}

interface Selection extends Pick<ObjectArgument, 'name'> {
  readonly resource: ApiResource;
  /** Undefined: all, or none as the resource has none. */
  readonly namespace: string | undefined;
}

/** What one request was answered. */
interface Answer {
  readonly resource: ApiResource;
  /** An object, or a list of them. */
  readonly body: unknown;
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
async function askPast(
  cluster: KnownCluster,
  selections: readonly Selection[],
  options: GetOptions,
  at: string,
): Promise<readonly Answer[]> {
  const { openSdkClient } = await import('../api/sdk-connection.js');
  const client = openSdkClient(cluster);
  const selector = options.selector === undefined ? {} : { labelSelector: options.selector };
  const askOne = async ({ resource: { group, version, resource }, namespace = '', name }: Selection) => {
    const target = { group, version, resource, namespace };
    if (name !== undefined) return client.get({ ...target, name }, { at });
    const { items, resourceVersion } = await client.list(target, { at, ...selector });
    return { apiVersion: 'v1', kind: 'List', metadata: { resourceVersion }, items };
  };
  try {
    return await Promise.all(
      selections.map(async (selection) => ({ resource: selection.resource, body: await askOne(selection) })),
    );
  } finally {
    client.close();
  }
}

const itemsOf = ({ body }: Answer): readonly ObjectLike[] =>
  (body as { readonly items?: readonly ObjectLike[] }).items ?? [body as ObjectLike];

function formatNames(answers: readonly Answer[]): string {
  return answers
    .flatMap((answer) =>
      itemsOf(answer).map(({ metadata }) => `${displayKind(answer.resource)}/${metadata?.name ?? ''}`),
    )
    .join('\n');
}

/** Who manages which field is for machines, and longer than the object: kubectl leaves it out too. */
function withoutManagedFields(body: unknown): unknown {
  const strip = (object: ObjectLike) => {
    const { managedFields: _, ...metadata } = (object.metadata ?? {}) as Record<string, unknown>;
    return { ...object, metadata };
  };
  const { items } = body as { readonly items?: readonly ObjectLike[] };
  return items === undefined ? strip(body as ObjectLike) : { ...(body as object), items: items.map(strip) };
}

/** The one answer as it is; several as one list. */
function toDocument(answers: readonly Answer[]): unknown {
  const [first] = answers;
  if (first !== undefined && answers.length === 1) return withoutManagedFields(first.body);
  const items = answers.flatMap(itemsOf);
  return withoutManagedFields({ apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' }, items });
}

/** A table for each kind that has any, with the kind in front of names where there are several. */
function formatTables(
  tables: readonly { readonly resource: ApiResource; readonly table: ServerTable }[],
  options: GetOptions,
): string {
  return tables
    .map(({ resource, table }) =>
      formatServerTable(table, {
        wide: options.output === 'wide',
        namespaces: options.allNamespaces && resource.namespaced,
        ...(tables.length > 1 ? { prefix: `${displayKind(resource)}/` } : {}),
      }),
    )
    .filter(Boolean)
    .join('\n\n');
}

async function render(
  cluster: KnownCluster,
  client: RestClient,
  selections: readonly Selection[],
  options: GetOptions,
): Promise<string> {
  const { at } = options;
  const onePast = at !== undefined && selections[0]?.name !== undefined;
  const output = options.output ?? (onePast ? 'yaml' : 'table');
  const asTable = output === 'table' || output === 'wide';
  const askAll = (accept: string): Promise<readonly Answer[]> =>
    Promise.all(
      selections.map(async (selection) => ({
        resource: selection.resource,
        body: await ask(client, selection, options, accept),
      })),
    );
  if (asTable && at === undefined) {
    const answers = await askAll(tableType);
    return formatTables(
      answers.map(({ resource, body }) => ({ resource, table: body as ServerTable })),
      options,
    );
  }
  const answers = at === undefined ? await askAll('application/json') : await askPast(cluster, selections, options, at);
  if (asTable && at !== undefined) {
    const { printPastTable } = await import('../output/past-table.js');
    const tables = answers.map((answer) => ({
      resource: answer.resource,
      table: printPastTable(answer.resource, itemsOf(answer), at),
    }));
    return formatTables(tables, options);
  }
  if (output === 'name') return formatNames(answers);
  const document = toDocument(answers);
  return output === 'json' ? JSON.stringify(document, null, 4) : stringify(document).trimEnd();
}

export async function get(first: string, second: string | undefined, options: GetOptions): Promise<void> {
  const { kind, name } = parseObjectArgument(first, second);
  const kinds = parseKinds(kind);
  if (name !== undefined && options.selector !== undefined) throw usageError('give a name or a selector, not both');
  if (name !== undefined && options.allNamespaces) throw usageError('give a name or all namespaces, not both');
  if (name !== undefined && (kinds.length > 1 || kind === 'all')) throw usageError('a name is of one kind');
  requireRoot('get', 'key');
  const cluster = runningCluster(options.name);
  const client = createRestClient(cluster.plan, cluster.paths);
  try {
    const selections = findResources(await listResources(client), kinds).map((resource) => ({
      name,
      resource,
      namespace: resource.namespaced && !options.allNamespaces ? options.namespace : undefined,
    }));
    const text = await render(cluster, client, selections, options);
    if (text !== '') {
      process.stdout.write(`${text}\n`);
      return;
    }
    const namespace = selections.every((selection) => selection.namespace === undefined)
      ? ''
      : ` in ${options.namespace} namespace`;
    process.stderr.write(`No resources found${namespace}.\n`);
  } finally {
    client.close();
  }
}
