/** managedFields belong to the server: what clients say there counts for nothing. */
import type { KubeObject } from '@periplus/api/meta';
import type { ApiRequest } from './api-request.js';
import type { Pipeline } from './pipeline.js';
import type { ResolvedKind } from './resolved-kind.js';

export function trackCreate(
  _pipeline: Pipeline,
  _resolved: ResolvedKind,
  _request: ApiRequest,
  object: KubeObject,
): void {
  if (object.metadata) delete object.metadata.managedFields;
}

export function trackUpdate(
  _pipeline: Pipeline,
  _resolved: ResolvedKind,
  _request: ApiRequest,
  next: KubeObject,
  old: KubeObject,
): void {
  if (next.metadata === undefined) return;
  delete next.metadata.managedFields;
  if (old.metadata?.managedFields) next.metadata.managedFields = old.metadata.managedFields;
}
