/** The steps between a decoded object and one that may be stored; the same for create, update, patch and apply. */
import type { KubeObject } from '@periplus/api/meta';
import { badRequest, invalid } from '@periplus/api/meta';
import { applyDefaults, toStorageVersion, type ValidatedOperation, validateObject } from '@periplus/api/schema';
import type { AdmissionRequest } from '@periplus/server/admission';
import type { ApiRequest } from './api-request.js';
import type { Pipeline } from './pipeline.js';
import type { ResolvedKind } from './resolved-kind.js';

/** Defaults of the served version, then the storage version. `object` is the caller's own. */
export function toStored(pipeline: Pipeline, resolved: ResolvedKind, object: KubeObject): KubeObject {
  const { table } = pipeline;
  applyDefaults(table, resolved.served, object, resolved.servedRules);
  return toStorageVersion(table, resolved.served, object, resolved.servedRules);
}

/** Throws 422 with a cause for each field. */
export function requireValid(
  pipeline: Pipeline,
  resolved: ResolvedKind,
  object: KubeObject,
  operation: ValidatedOperation,
): void {
  const { schema, rules } = resolved.stored;
  const errors = validateObject(pipeline.table, schema, object, rules, operation);
  if (errors.length > 0) throw invalid(resolved.served, object.metadata?.name ?? '', errors);
}

/** The namespace and name in the body must be those of the path; where the body has none, it gets them. */
export function alignWithPath(request: ApiRequest, resolved: ResolvedKind, object: KubeObject): void {
  const { namespace, name } = request.target;
  const metadata = { ...object.metadata };
  if (resolved.served.namespaced) {
    if (metadata.namespace && metadata.namespace !== namespace)
      throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
    metadata.namespace = namespace;
  }
  if (name !== '') {
    if (metadata.name && metadata.name !== name)
      throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
    metadata.name = name;
  }
  object.metadata = metadata;
}

export function admissionRequest(
  request: ApiRequest,
  resolved: ResolvedKind,
  operation: AdmissionRequest['operation'],
  objects: { readonly object?: KubeObject; readonly oldObject?: KubeObject },
): AdmissionRequest {
  return {
    operation,
    kind: resolved.stored.schema,
    subresource: request.target.subresource,
    namespace: request.target.namespace,
    name: objects.object?.metadata?.name || request.target.name,
    user: request.user,
    requestId: request.requestId,
    dryRun: request.options.dryRun ?? false,
    ...objects,
  };
}
