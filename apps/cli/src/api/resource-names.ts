/** Which resource a word means: `deploy`, `deployments`, `Deployment`, `deployments.apps`; from the server's discovery. */
import { nearestWord } from '@periplus/base/config';
import { CommandFailure, usageError } from '../output/command-error.js';
import { describeStatus, type RestClient } from './rest-client.js';

export interface ApiResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Singular and short names. */
  readonly otherNames: readonly string[];
  /** Groups of resources that it is asked for with, such as `all`. */
  readonly categories: readonly string[];
}

interface GroupDiscovery {
  readonly metadata?: { readonly name?: string };
  readonly versions?: readonly {
    readonly version: string;
    readonly resources?: readonly {
      readonly resource: string;
      readonly responseKind?: { readonly kind?: string };
      readonly scope?: string;
      readonly singularResource?: string;
      readonly shortNames?: readonly string[];
      readonly categories?: readonly string[];
    }[];
  }[];
}

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

async function readGroups(client: RestClient, path: string): Promise<ApiResource[]> {
  const answer = await client.send({ path, accept: aggregated });
  if (answer.status !== 200) throw new CommandFailure(`cannot read which kinds there are: ${describeStatus(answer)}`);
  const { items = [] } = answer.body as { readonly items?: readonly GroupDiscovery[] };
  return items.flatMap(({ metadata, versions = [] }) =>
    versions.flatMap(({ version, resources = [] }) =>
      resources.map((resource) => ({
        group: metadata?.name ?? '',
        version,
        resource: resource.resource,
        kind: resource.responseKind?.kind ?? '',
        namespaced: resource.scope === 'Namespaced',
        otherNames: [resource.singularResource ?? '', ...(resource.shortNames ?? [])],
        categories: resource.categories ?? [],
      })),
    ),
  );
}

/** All of them, in the server's order of preference. */
export async function listResources(client: RestClient): Promise<readonly ApiResource[]> {
  const [core, groups] = await Promise.all([readGroups(client, '/api'), readGroups(client, '/apis')]);
  return [...core, ...groups];
}

/** Fails as wrong usage, with the nearest name, when there is none. */
export function findResource(resources: readonly ApiResource[], word: string): ApiResource {
  const [name = '', ...group] = word.toLowerCase().split('.');
  const found = resources.find(
    (candidate) =>
      (group.length === 0 || candidate.group === group.join('.')) &&
      (candidate.resource === name || candidate.kind.toLowerCase() === name || candidate.otherNames.includes(name)),
  );
  if (found !== undefined) return found;
  const nearest = nearestWord(
    word,
    resources.flatMap(({ resource, otherNames }) => [resource, ...otherNames]).filter(Boolean),
  );
  throw usageError(`the server has no resource ${JSON.stringify(word)}${nearest ? `, did you mean ${nearest}?` : ''}`);
}

/** By their names, or by those of categories; each once, in its preferred version. */
export function findResources(resources: readonly ApiResource[], words: readonly string[]): readonly ApiResource[] {
  const found = words.flatMap((word) => {
    const members = resources.filter(({ categories }) => categories.includes(word));
    return members.length > 0 ? members : [findResource(resources, word)];
  });
  const first = new Map<string, ApiResource>();
  for (const resource of found) {
    const key = `${resource.resource}.${resource.group}`;
    if (!first.has(key)) first.set(key, resource);
  }
  return [...first.values()];
}

/** `deployment.apps`, as kubectl says it. */
export function displayKind({ group, kind }: Pick<ApiResource, 'group' | 'kind'>): string {
  return `${kind.toLowerCase()}${group === '' ? '' : `.${group}`}`;
}

/** The resource of a manifest's apiVersion and kind. */
export function findKind(resources: readonly ApiResource[], apiVersion: string, kind: string): ApiResource {
  const found = resources.find(
    (candidate) =>
      candidate.kind === kind &&
      (candidate.group === '' ? candidate.version : `${candidate.group}/${candidate.version}`) === apiVersion,
  );
  if (found === undefined) throw new CommandFailure(`no matches for kind "${kind}" in version "${apiVersion}"`);
  return found;
}

/** Of one object, or of all when no name is given. Names come from users: each part is escaped. */
export function resourcePath(resource: ApiResource, namespace: string | undefined, name?: string): string {
  const base = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${base}${scope}/${resource.resource}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}
