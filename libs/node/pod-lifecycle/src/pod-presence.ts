/** Whether the API still has a pod, and not another one of the same name. */
import type { Pod } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import type { ApiClient, ObjectTarget } from '@periplus/client/api-client';

/** Rejects when it can't be told. */
export async function isStillThere(client: ApiClient, target: ObjectTarget, uid: string): Promise<boolean> {
  const { subresource: _, ...object } = target;
  try {
    return (await client.get<Pod>(object)).metadata?.uid === uid;
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return false;
    throw error;
  }
}
