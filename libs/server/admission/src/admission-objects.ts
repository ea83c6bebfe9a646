/** The objects that plugins look at: the cache, and a way to make sure that it has the newest. */
import type { KubeObject } from '@periplus/api/meta';
import type { CachedObjects, CachedResource } from '@periplus/server/authn';

export interface AdmissionObjects extends CachedObjects {
  /** Resolves when the cache has everything that was written before the call. */
  refresh(): Promise<void>;
}

/** From the cache; what isn't there is looked for once more in the newest state. */
export async function getFresh<T extends KubeObject>(
  objects: AdmissionObjects,
  resource: CachedResource,
  namespace: string,
  name: string,
): Promise<T | undefined> {
  const cached = objects.get<T>(resource, namespace, name);
  if (cached !== undefined) return cached;
  await objects.refresh();
  return objects.get<T>(resource, namespace, name);
}
