/** Takes a finalizer from an object just as it was seen. */
import { type GroupVersionResource, isStatusError, type KubeObject } from '@periplus/api/meta';
import type { ApiClient } from '@periplus/client/api-client';
import { causedBy, targetOf } from '../shared/identity.js';

export async function removeFinalizer(
  client: ApiClient,
  resource: GroupVersionResource,
  object: KubeObject,
  finalizer: string,
): Promise<void> {
  const finalizers = (object.metadata?.finalizers ?? []).filter((one) => one !== finalizer);
  const freed: KubeObject = { ...object, metadata: { ...object.metadata, finalizers } };
  try {
    await client.update(targetOf(resource, object), freed, causedBy(resource, object));
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error;
  }
}
