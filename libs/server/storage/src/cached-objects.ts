/** The watch cache as authentication, authorization and admission see it. */
import type { KubeObject } from '@periplus/api/meta';
import { streamOf } from '@periplus/log/object-events';
import type { CachedObjects, CachedResource } from '@periplus/server/authn';
import type { WatchCache } from '@periplus/view/watch-cache';

/** To be asked after the cache has started. */
export function createCachedObjects(cache: WatchCache): CachedObjects {
  const versions = new Map<string, { value: number }>();

  function versionOf(resource: CachedResource): { value: number } {
    const id = `${resource.group}/${resource.resource}`;
    let version = versions.get(id);
    if (version === undefined) {
      const counter = { value: 1 };
      const watching = cache.watch(resource, cache.appliedRevision(streamOf(resource)), () => {
        counter.value += 1;
      });
      if (watching.outcome !== 'watching') return { value: cache.appliedRevision(streamOf(resource)) };
      versions.set(id, (version = counter));
    }
    return version;
  }

  return {
    get<T extends KubeObject>(resource: CachedResource, namespace: string, name: string): T | undefined {
      return cache.get({ group: resource.group, resource: resource.resource, namespace, name })?.object() as
        | T
        | undefined;
    },
    list<T extends KubeObject>(resource: CachedResource, namespace: string): readonly T[] {
      const { items } = cache.list(resource, namespace === '' ? {} : { namespace });
      return items.map((item) => item.object() as T);
    },
    version: (resource) => versionOf(resource).value,
  };
}
