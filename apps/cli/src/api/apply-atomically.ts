/** Sends manifests as one transaction: all are applied in one moment of the log, or none. */
import type { KubeObject } from '@periplus/api/meta';
import type { SdkClient, TransactionWrite } from '@periplus/client/sdk';
import { CommandFailure } from '../output/command-error.js';
import { type AppliedObject, fieldManager } from './apply-manifests.js';
import type { Manifest } from './manifests.js';
import { type ApiResource, findKind, listResources, resourcePath } from './resource-names.js';
import type { RestClient } from './rest-client.js';

interface Part {
  readonly manifest: Manifest;
  readonly resource: ApiResource;
  readonly namespace: string | undefined;
  /** Of the object before; undefined when there was none. */
  readonly before: string | undefined;
}

function toWrite({ manifest, resource, namespace = '' }: Part): TransactionWrite {
  const { group, version, resource: plural } = resource;
  const target = { group, version, resource: plural, namespace };
  const { name } = manifest.metadata;
  // Only generateName is left; each time it makes a new object, as with kubectl create.
  if (name === undefined) return { verb: 'create', target, object: manifest.object as unknown as KubeObject };
  return { verb: 'patch', target: { ...target, name }, type: 'apply', patch: manifest.object, force: true };
}

function outcomeOf(before: string | undefined, after: string | undefined): AppliedObject['outcome'] {
  if (before === undefined) return 'created';
  return before === after ? 'unchanged' : 'configured';
}

async function versionOf(
  rest: RestClient,
  resource: ApiResource,
  namespace: string | undefined,
  { metadata: { name } }: Manifest,
): Promise<string | undefined> {
  if (name === undefined) return undefined;
  const { status, body } = await rest.send({ path: resourcePath(resource, namespace, name) });
  return status === 200 ? (body as KubeObject).metadata?.resourceVersion : undefined;
}

export async function applyAtomically(
  rest: RestClient,
  sdk: SdkClient,
  manifests: readonly Manifest[],
  defaultNamespace: string,
): Promise<readonly AppliedObject[]> {
  const resources = await listResources(rest);
  const parts: Part[] = [];
  for (const manifest of manifests) {
    const resource = findKind(resources, manifest.apiVersion, manifest.kind);
    const namespace = resource.namespaced ? (manifest.metadata.namespace ?? defaultNamespace) : undefined;
    parts.push({ manifest, resource, namespace, before: await versionOf(rest, resource, namespace, manifest) });
  }
  const objects = await sdk.transact(parts.map(toWrite), { fieldManager }).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(`nothing was applied: ${message}`, { cause: error });
  });
  return parts.map(({ resource, namespace, before }, index) => {
    const { metadata } = objects[index]!;
    return {
      resource,
      namespace,
      name: metadata?.name ?? '',
      outcome: outcomeOf(before, metadata?.resourceVersion),
    };
  });
}
