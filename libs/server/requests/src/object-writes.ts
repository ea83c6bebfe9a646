/** Create, update, patch and delete of objects and their status: decode → default → admit → validate → store. */
import type { DeleteOptions, Service } from '@periplus/api/kinds';
import {
  badRequest,
  conflict,
  invalid,
  type KubeObject,
  notFound,
  requiredField,
  staleConflict,
  type Status,
} from '@periplus/api/meta';
import { applyDefaults, cloneJson } from '@periplus/api/schema';
import {
  type CreateInput,
  type DeleteResult,
  hasStatusSubresource,
  keepOtherPart,
  keepServerMetadata,
  type StoredObject,
  type UpdateDecision,
} from '@periplus/server/storage';
import { requireAllowed } from '@periplus/server/authz';
import type { ApiRequest, PropagationPolicy } from './api-request.js';
import type { ApiResult } from './api-result.js';
import { admissionRequest, alignWithPath, requireValid, toStored } from './object-preparation.js';
import { type Pipeline, writeContextOf } from './pipeline.js';
import { attributesOf } from './request-attributes.js';
import { decodeOptions, decodeRequestObject } from './request-body.js';
import type { ResolvedKind } from './resolved-kind.js';
import { trackOwners } from './field-ownership.js';

/** Which part of the object a write may touch. */
type Part = 'object' | 'status';

/** Whether the fields' owners are to be worked out from the change, or an apply has said them already. */
type Ownership = 'changed' | 'applied';

const partOf = (request: ApiRequest): Part => (request.target.subresource === 'status' ? 'status' : 'object');

const isService = (resolved: ResolvedKind): boolean =>
  resolved.stored.schema.group === '' && resolved.stored.schema.resource === 'services';

export function served(pipeline: Pipeline, resolved: ResolvedKind, stored: StoredObject, created: boolean): ApiResult {
  return { type: 'object', object: pipeline.storage.serve(resolved.served, stored), created };
}

/** What storage creates from a decoded object of the served version. */
async function planCreate(
  pipeline: Pipeline,
  resolved: ResolvedKind,
  request: ApiRequest,
  decoded: KubeObject,
  ownership: Ownership = 'changed',
): Promise<CreateInput> {
  const { stored } = resolved;
  alignWithPath(request, resolved, decoded);
  if (decoded.metadata?.resourceVersion) throw badRequest('resourceVersion should not be set on objects to be created');
  const object = toStored(pipeline, resolved, decoded);
  if (hasStatusSubresource(stored.schema)) delete (object as { status?: unknown }).status;
  await pipeline.admission.mutate(admissionRequest(request, resolved, 'CREATE', { object }));
  stored.rules.prepareForCreate?.(object);
  applyDefaults(pipeline.table, stored.schema, object, stored.rules);
  if (ownership === 'changed') trackOwners(pipeline, resolved, request, object, undefined);
  return {
    kind: stored,
    namespace: request.target.namespace,
    object,
    async validate(complete) {
      requireValid(pipeline, resolved, complete, { operation: 'create' });
      await pipeline.admission.validate(admissionRequest(request, resolved, 'CREATE', { object: complete }));
    },
    ...(isService(resolved)
      ? { reserve: (draft) => pipeline.services.plan(draft as Service, undefined, request.draft) }
      : {}),
  };
}

export async function createObject(
  pipeline: Pipeline,
  resolved: ResolvedKind,
  request: ApiRequest,
): Promise<ApiResult> {
  const decoded = decodeRequestObject(pipeline.table, resolved.served, request);
  if (!decoded.metadata?.name && !decoded.metadata?.generateName)
    throw invalid(resolved.served, '', [requiredField('metadata.name', 'name or generateName is required')]);
  const input = await planCreate(pipeline, resolved, request, decoded);
  const stored = await pipeline.storage.store.create(input, writeContextOf(request));
  return served(pipeline, resolved, stored, true);
}

/** Creates what an update or an apply did not find. */
export async function createMissing(
  pipeline: Pipeline,
  resolved: ResolvedKind,
  request: ApiRequest,
  decoded: KubeObject,
  ownership: Ownership = 'changed',
): Promise<CreateInput> {
  // Who may update may not thereby create.
  requireAllowed(pipeline.authorizer, attributesOf({ ...request, verb: 'create' }));
  const object = cloneJson(decoded);
  if (object.metadata) delete object.metadata.resourceVersion;
  return planCreate(pipeline, resolved, request, object, ownership);
}

export function checkVersion(resolved: ResolvedKind, name: string, given: KubeObject, current: StoredObject): void {
  const uid = given.metadata?.uid;
  const actual = current.object().metadata?.uid ?? '';
  if (uid && uid !== actual)
    throw conflict(
      resolved.served,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${actual}`,
    );
  const version = given.metadata?.resourceVersion;
  if (version && version !== '0' && version !== String(current.revision)) throw staleConflict(resolved.served, name);
  if (!version && resolved.stored.rules.requiresResourceVersionOnUpdate === true)
    throw invalid(resolved.served, name, [
      {
        type: 'FieldValueInvalid',
        field: 'metadata.resourceVersion',
        message: 'Invalid value: 0x0: must be specified for an update',
      },
    ]);
}

/** From the wanted object (served version, the caller's own) to what may replace the current one. */
export async function decideUpdate(
  pipeline: Pipeline,
  resolved: ResolvedKind,
  request: ApiRequest,
  current: StoredObject,
  wanted: KubeObject,
  ownership: Ownership = 'changed',
): Promise<UpdateDecision> {
  const { stored } = resolved;
  const part = partOf(request);
  const old = current.object();
  const next = toStored(pipeline, resolved, wanted);
  const prepared = next === wanted ? next : cloneJson(next);
  keepServerMetadata(prepared, old);
  if (hasStatusSubresource(stored.schema)) keepOtherPart(prepared, old, part);
  if (part === 'object') stored.rules.prepareForUpdate?.(prepared, old);
  await pipeline.admission.mutate(admissionRequest(request, resolved, 'UPDATE', { object: prepared, oldObject: old }));
  applyDefaults(pipeline.table, stored.schema, prepared, stored.rules);
  if (ownership === 'changed') trackOwners(pipeline, resolved, request, prepared, old);
  requireValid(pipeline, resolved, prepared, { operation: part === 'status' ? 'updateStatus' : 'update', old });
  const further =
    part === 'object' && isService(resolved)
      ? pipeline.services.plan(prepared as Service, old as Service, request.draft)
      : [];
  await pipeline.admission.validate(
    admissionRequest(request, resolved, 'UPDATE', { object: prepared, oldObject: old }),
  );
  return { object: prepared, further };
}

export async function updateObject(
  pipeline: Pipeline,
  resolved: ResolvedKind,
  request: ApiRequest,
): Promise<ApiResult> {
  const { namespace, name } = request.target;
  const decoded = decodeRequestObject(pipeline.table, resolved.served, request);
  alignWithPath(request, resolved, decoded);
  const mayCreate = resolved.stored.rules.allowCreateOnUpdate === true && partOf(request) === 'object';
  const result = await pipeline.storage.store.update(
    {
      kind: resolved.stored,
      namespace,
      name,
      async decide(current) {
        checkVersion(resolved, name, decoded, current);
        return decideUpdate(pipeline, resolved, request, current, cloneJson(decoded));
      },
      ...(mayCreate
        ? {
            createInstead() {
              // A resourceVersion or uid says that the client has seen one.
              if (decoded.metadata?.resourceVersion) throw staleConflict(resolved.served, name);
              if (decoded.metadata?.uid) throw notFound(resolved.served, name);
              return createMissing(pipeline, resolved, request, decoded);
            },
          }
        : {}),
    },
    writeContextOf(request),
  );
  return served(pipeline, resolved, result.stored, result.created);
}

/** DeleteOptions from the body, else from the query. */
export function deletionOf(
  pipeline: Pipeline,
  request: ApiRequest,
): {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: PropagationPolicy;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun: boolean;
} {
  const body = decodeOptions<DeleteOptions>(pipeline.table, 'meta.k8s.io/v1.DeleteOptions', request.body);
  const { options } = request;
  const orphan = body?.orphanDependents;
  const policy =
    body?.propagationPolicy ?? (orphan === undefined ? options.propagationPolicy : orphan ? 'Orphan' : 'Background');
  if (policy !== undefined && policy !== 'Background' && policy !== 'Foreground' && policy !== 'Orphan')
    throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [
      {
        type: 'FieldValueNotSupported',
        field: 'propagationPolicy',
        message: `Unsupported value: ${JSON.stringify(policy)}: supported values: "Background", "Foreground", "Orphan"`,
      },
    ]);
  const grace = body?.gracePeriodSeconds ?? options.gracePeriodSeconds;
  const preconditions = body?.preconditions ?? options.preconditions;
  return {
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
    ...(preconditions ? { preconditions } : {}),
    dryRun: (options.dryRun ?? false) || (body?.dryRun ?? []).includes('All'),
  };
}

/** Kinds that answer a delete with the object that is gone; all others answer a Status. */
const answeredWithObject: ReadonlySet<string> = new Set([
  'persistentvolumeclaims',
  'persistentvolumes',
  'pods',
  'podtemplates',
  'resourcequotas',
  'serviceaccounts',
  'services',
]);

export function deletedStatus(resolved: ResolvedKind, stored: StoredObject): Status {
  const { served: kind } = resolved;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: stored.key.name,
      ...(kind.group === '' ? {} : { group: kind.group }),
      kind: kind.resource,
      uid: stored.object().metadata?.uid ?? '',
    },
    code: 200,
  };
}

export async function deleteOne(
  pipeline: Pipeline,
  resolved: ResolvedKind,
  request: ApiRequest,
  name: string,
  requestId: string,
): Promise<DeleteResult> {
  const { dryRun, ...deletion } = deletionOf(pipeline, request);
  return pipeline.storage.store.delete(
    {
      kind: resolved.stored,
      namespace: request.target.namespace,
      name,
      ...deletion,
      validate: (current) =>
        pipeline.admission.validate({
          ...admissionRequest(request, resolved, 'DELETE', { oldObject: current.object() }),
          name,
        }),
    },
    { ...writeContextOf(request), requestId, dryRun },
  );
}

export async function deleteObject(
  pipeline: Pipeline,
  resolved: ResolvedKind,
  request: ApiRequest,
): Promise<ApiResult> {
  const result = await deleteOne(pipeline, resolved, request, request.target.name, request.requestId);
  const { schema } = resolved.stored;
  if (result.outcome === 'removed' && !(schema.group === '' && answeredWithObject.has(schema.resource)))
    return { type: 'status', status: deletedStatus(resolved, result.stored) };
  return served(pipeline, resolved, result.stored, false);
}
