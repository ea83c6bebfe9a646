/** Sends manifests to the server, as they are, by server-side apply. */
import { CommandFailure } from '../output/command-error.js';
import type { Manifest } from './manifests.js';
import { type ApiResource, findKind, listResources, resourcePath } from './resource-names.js';
import { describeStatus, type RestClient, type RestResponse } from './rest-client.js';

const fieldManager = 'periplus';
const [notFound, conflict, unsupportedMediaType] = [404, 409, 415];

const parentPath = (path: string): string => path.slice(0, path.lastIndexOf('/'));

export interface AppliedObject {
  readonly resource: ApiResource;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly outcome: 'created' | 'configured' | 'unchanged';
}

interface Identity {
  readonly metadata?: { readonly resourceVersion?: string; readonly name?: string };
}

/** `deployment.apps/web`, as kubectl says it. */
export function displayName({ resource, name }: Pick<AppliedObject, 'resource' | 'name'>): string {
  const group = resource.group === '' ? '' : `.${resource.group}`;
  return `${resource.kind.toLowerCase()}${group}/${name}`;
}

function checked(answer: RestResponse, manifest: Manifest): Identity {
  if (answer.status < 300) return answer.body as Identity;
  const causes = (answer.body as { details?: { causes?: readonly { message?: string; field?: string }[] } }).details
    ?.causes;
  const hint = causes?.map(({ field, message }) => `  ${field ?? ''}: ${message ?? ''}`).join('\n');
  throw new CommandFailure(`${manifest.source}: ${describeStatus(answer)}`, hint ? { hint } : {});
}

/** Makes the object what the manifest says, whether or not it is there. */
async function sendManifest(client: RestClient, path: string, body: string): Promise<RestResponse> {
  const applied = await client.send({
    method: 'PATCH',
    path: `${path}?fieldManager=${fieldManager}&force=true`,
    body,
    contentType: 'application/apply-patch+yaml',
  });
  if (applied.status !== unsupportedMediaType) return applied;
  // A server without server-side apply: fields that left the manifest stay.
  const created = await client.send({ method: 'POST', path: `${parentPath(path)}?fieldManager=${fieldManager}`, body });
  if (created.status !== conflict) return created;
  const patched = { method: 'PATCH', path: `${path}?fieldManager=${fieldManager}`, body } as const;
  const strategic = await client.send({ ...patched, contentType: 'application/strategic-merge-patch+json' });
  if (strategic.status !== unsupportedMediaType) return strategic;
  return client.send({ ...patched, contentType: 'application/merge-patch+json' });
}

async function applyOne(
  client: RestClient,
  resource: ApiResource,
  manifest: Manifest,
  defaultNamespace: string,
): Promise<AppliedObject> {
  const namespace = resource.namespaced ? (manifest.metadata.namespace ?? defaultNamespace) : undefined;
  const { name } = manifest.metadata;
  const body = JSON.stringify(manifest.object);
  if (name === undefined) {
    // Only generateName is left; each time it makes a new object, as with kubectl create.
    const path = `${resourcePath(resource, namespace)}?fieldManager=${fieldManager}`;
    const created = checked(await client.send({ method: 'POST', path, body }), manifest);
    return { resource, namespace, name: created.metadata?.name ?? '', outcome: 'created' };
  }
  const path = resourcePath(resource, namespace, name);
  const before = await client.send({ path });
  const { metadata } = checked(await sendManifest(client, path, body), manifest);
  if (before.status === notFound) return { resource, namespace, name, outcome: 'created' };
  const unchanged = (before.body as Identity).metadata?.resourceVersion === metadata?.resourceVersion;
  return { resource, namespace, name, outcome: unchanged ? 'unchanged' : 'configured' };
}

/** One after another, in the manifests' order, as later ones may need earlier ones. `report` is told of each. */
export async function applyManifests(
  client: RestClient,
  manifests: readonly Manifest[],
  defaultNamespace: string,
  report: (object: AppliedObject) => void,
): Promise<readonly AppliedObject[]> {
  const applied: AppliedObject[] = [];
  let resources = await listResources(client);
  for (const manifest of manifests) {
    // A definition that came just before brings kinds of its own.
    if (applied.at(-1)?.resource.kind === 'CustomResourceDefinition') resources = await listResources(client);
    const resource = findKind(resources, manifest.apiVersion, manifest.kind);
    const object = await applyOne(client, resource, manifest, defaultNamespace);
    applied.push(object);
    report(object);
  }
  return applied;
}
