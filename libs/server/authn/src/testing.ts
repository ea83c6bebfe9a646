/** Objects for tests of what reads the cache. */
import type { KubeObject } from '@periplus/api/meta';
import type { CachedObjects, CachedResource } from './cached-objects.js';
import type { UserInfo } from './user-info.js';

export interface FakeObjects extends CachedObjects {
  /** Adds the object, or replaces it. */
  put(resource: string, object: KubeObject): void;
  remove(resource: string, namespace: string, name: string): void;
}

/** @param initial by `resource` or `resource.group`, e.g. `pods` or `roles.rbac.authorization.k8s.io`. */
export function createFakeObjects(initial: Readonly<Record<string, readonly KubeObject[]>> = {}): FakeObjects {
  const stores = new Map<string, Map<string, KubeObject>>();
  const versions = new Map<string, number>();
  const idOf = ({ group, resource }: CachedResource): string => (group === '' ? resource : `${resource}.${group}`);
  const storeOf = (id: string): Map<string, KubeObject> => {
    let store = stores.get(id);
    if (store === undefined) stores.set(id, (store = new Map<string, KubeObject>()));
    return store;
  };
  const touch = (id: string): void => void versions.set(id, (versions.get(id) ?? 0) + 1);
  const fake: FakeObjects = {
    get: <T extends KubeObject>(resource: CachedResource, namespace: string, name: string) =>
      storeOf(idOf(resource)).get(`${namespace}/${name}`) as T | undefined,
    list: <T extends KubeObject>(resource: CachedResource, namespace: string) =>
      [...storeOf(idOf(resource)).values()].filter(
        (object) => namespace === '' || object.metadata?.namespace === namespace,
      ) as T[],
    version: (resource) => versions.get(idOf(resource)) ?? 0,
    put(id, object) {
      storeOf(id).set(`${object.metadata?.namespace ?? ''}/${object.metadata?.name ?? ''}`, object);
      touch(id);
    },
    remove(id, namespace, name) {
      storeOf(id).delete(`${namespace}/${name}`);
      touch(id);
    },
  };
  for (const [id, objects] of Object.entries(initial)) for (const object of objects) fake.put(id, object);
  return fake;
}

export function testUser(name: string, ...groups: string[]): UserInfo {
  return { name, uid: '', groups, extra: new Map() };
}
