/** Lets a pod go that has been counted, or that nobody will count. */
import type { Pod } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import type { ApiClient, WriteContext } from '@periplus/client/api-client';
import { targetOf, uidOf } from '../shared/identity.js';
import * as resources from '../shared/resources.js';
import { TRACKING } from './job-pods.js';

/** The pod as it is then; undefined when it is gone. Rejects with a Conflict when it was seen as it no longer is. */
export async function releasePod(client: ApiClient, pod: Pod, context: WriteContext): Promise<Pod | undefined> {
  const finalizers = (pod.metadata?.finalizers ?? []).filter((finalizer) => finalizer !== TRACKING);
  const { resourceVersion } = pod.metadata ?? {};
  const patch = {
    metadata: { uid: uidOf(pod), resourceVersion, finalizers: finalizers.length > 0 ? finalizers : null },
  };
  try {
    return await client.patch<Pod>(targetOf(resources.pods, pod), 'merge', patch, context);
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return undefined;
    throw error;
  }
}
