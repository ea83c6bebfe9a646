/** The client's calls for one resource, by namespace and name. */
import { type GroupVersionResource, type KubeObject, parseApiVersion } from '@periplus/api/meta';
import type {
  DeleteOptions,
  ListOptions,
  ObjectList,
  PatchType,
  StopWatch,
  WatchHandler,
  WatchOptions,
  WriteContext,
} from '@periplus/client/api-client';
import type { HistoryEntry, SdkClient } from './sdk-client.js';

/** `namespace` is `''` for cluster scope, and for all namespaces in `list` and `watch`. */
export interface ResourceClient<T extends KubeObject> {
  get(namespace: string, name: string, options?: { resourceVersion?: string; at?: string }): Promise<T>;
  list(namespace?: string, options?: ListOptions): Promise<ObjectList<T>>;
  watch(namespace: string, options: WatchOptions, handler: WatchHandler<T>): StopWatch;
  /** Into the namespace of its metadata. */
  create(object: T, context?: WriteContext): Promise<T>;
  update(object: T, context?: WriteContext): Promise<T>;
  updateStatus(object: T, context?: WriteContext): Promise<T>;
  patch(
    namespace: string,
    name: string,
    type: PatchType,
    patch: unknown,
    context?: WriteContext & { readonly force?: boolean },
  ): Promise<T>;
  delete(namespace: string, name: string, options?: DeleteOptions): Promise<KubeObject>;
  history(namespace: string, name: string, options?: { readonly limit?: number }): Promise<readonly HistoryEntry[]>;
}

/** Throws a RangeError for an apiVersion that isn't one. */
export function createResourceClient<T extends KubeObject>(
  client: SdkClient,
  apiVersion: string,
  resource: string,
): ResourceClient<T> {
  const groupVersion = parseApiVersion(apiVersion);
  if (groupVersion === undefined) throw new RangeError(`not an apiVersion: ${JSON.stringify(apiVersion)}`);
  const gvr: GroupVersionResource = { ...groupVersion, resource };
  const targetOf = (object: KubeObject) => ({
    ...gvr,
    namespace: object.metadata?.namespace ?? '',
    name: object.metadata?.name ?? '',
  });
  return {
    get: (namespace, name, options) => client.get({ ...gvr, namespace, name }, options),
    list: (namespace = '', options) => client.list({ ...gvr, namespace }, options),
    watch: (namespace, options, handler) => client.watch({ ...gvr, namespace }, options, handler),
    create: (object, context) =>
      client.create({ ...gvr, namespace: object.metadata?.namespace ?? '' }, object, context),
    update: (object, context) => client.update(targetOf(object), object, context),
    updateStatus: (object, context) => client.update({ ...targetOf(object), subresource: 'status' }, object, context),
    patch: (namespace, name, type, patch, context) => client.patch({ ...gvr, namespace, name }, type, patch, context),
    delete: (namespace, name, options) => client.delete({ ...gvr, namespace, name }, options),
    history: (namespace, name, options) => client.history({ ...gvr, namespace, name }, options),
  };
}
