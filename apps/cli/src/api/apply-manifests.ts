/** Sends manifests to the server, as they are, by server-side apply. */
import { CommandFailure } from '../output/command-error.js';
import type { Manifest } from './manifests.js';
import { type ApiResource, displayKind, findKind, listResources, resourcePath } from './resource-names.js';
import { describeStatus, type RestClient, type RestResponse } from './rest-client.js';

/** Whose fields applied ones are. */
export const fieldManager = 'periplus';

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
  return `${displayKind(resource)}/${name}`;
}

interface StatusCause {
  readonly message?: string;
  readonly field?: string;
}

function formatCauses(causes: readonly StatusCause[]): string {
  return causes.map(({ field = '', message = '' }) => `  ${field}: ${message}`).join('\n');
}

function checked(answer: RestResponse, manifest: Manifest): Identity {
  if (answer.status < 300) return answer.body as Identity;
  const { details } = answer.body as { readonly details?: { readonly causes?: readonly StatusCause[] } };
  const message = `${manifest.source}: ${describeStatus(answer)}`;
  const causes = details?.causes ?? [];
  if (causes.length < 2) throw new CommandFailure(message);
  // The message has them all in one line, in brackets.
  throw new CommandFailure(message.replace(/: \[.*$/s, ':'), { hint: formatCauses(causes) });
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
  const applied = await client.send({
    method: 'PATCH',
    path: `${path}?fieldManager=${fieldManager}&force=true`,
    body,
    contentType: 'application/apply-patch+yaml',
  });
  const { metadata } = checked(applied, manifest);
  if (before.status === 404) return { resource, namespace, name, outcome: 'created' };
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
