/** The port through which authentication, authorization and admission see the cluster: the newest state this apiserver has. */
import type { KubeObject } from '@periplus/api/meta';

export interface CachedResource {
  /** `''` for core. */
  readonly group: string;
  readonly resource: string;
}

/** Synchronous reads of the watch cache. Objects are in the storage version, shared, and never changed. */
export interface CachedObjects {
  /** `namespace` is `''` for cluster scope. */
  get<T extends KubeObject>(resource: CachedResource, namespace: string, name: string): T | undefined;
  /** All namespaces when `namespace` is `''`. */
  list<T extends KubeObject>(resource: CachedResource, namespace: string): readonly T[];
  /** A number that changes whenever an object of the resource does: what was computed from a list stays true until then. */
  version(resource: CachedResource): number;
}
