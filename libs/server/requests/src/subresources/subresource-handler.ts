/** What a subresource with a meaning of its own is. `status` has none: it is the object, seen in part. */
import type { KubeObject } from '@periplus/api/meta';
import type { Status } from '@periplus/api/meta';
import type { ApiRequest } from '../api-request.js';
import type { ApiResult } from '../api-result.js';
import type { Pipeline } from '../pipeline.js';
import type { ResolvedKind } from '../resolved-kind.js';

export type SubresourceHandler = (
  pipeline: Pipeline,
  resolved: ResolvedKind,
  request: ApiRequest,
) => Promise<ApiResult>;

/** `{"status": "Success"}`, for what creates no object that could be answered. */
export function success(code: 200 | 201): Status {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code };
}

/** A field of an object whose kind is known to have it. */
export function specOf<T>(object: KubeObject): T {
  return (object as KubeObject & { readonly spec?: T }).spec ?? ({} as T);
}
