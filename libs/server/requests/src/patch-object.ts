/** PATCH: the current object in the request's version, changed as the patch says, then taken through the same steps as an update. */
import { type KindSchema, rulesFor } from '@periplus/api/kinds';
import {
  badRequest,
  invalid,
  type Json,
  type KubeObject,
  requiredField,
  unsupportedMediaType,
} from '@periplus/api/meta';
import {
  applyConfiguration,
  applyConflict,
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  cloneJson,
  fromStorageVersion,
} from '@periplus/api/schema';
import { formatTime } from '@periplus/base/clock';
import type { ApiRequest } from './api-request.js';
import type { ApiResult } from './api-result.js';
import { alignWithPath } from './object-preparation.js';
import { checkVersion, createMissing, decideUpdate, served } from './object-writes.js';
import { type Pipeline, writeContextOf } from './pipeline.js';
import { decodeAs, type ParsedBody, parseBody, reportFields } from './request-body.js';
import type { ResolvedKind } from './resolved-kind.js';

const applyType = 'application/apply-patch+yaml';
const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
] as const;
type PatchType = (typeof patchTypes)[number];

interface ParsedPatch extends ParsedBody {
  readonly type: PatchType;
}

function parsePatch(request: ApiRequest): ParsedPatch {
  const { body } = request;
  const type = patchTypes.find((known) => known === body?.mediaType);
  if (body === undefined || type === undefined)
    throw unsupportedMediaType(
      `the body of the request was in an unknown format - accepted media types include: ${[...patchTypes, applyType].join(', ')}`,
    );
  if (body.bytes.length === 0) throw badRequest('the request has no body');
  return { ...parseBody(body), type };
}

function applyPatch(pipeline: Pipeline, kind: KindSchema, current: KubeObject, patch: ParsedPatch): Json {
  const original = current as unknown as Json;
  switch (patch.type) {
    case 'application/json-patch+json':
      return applyJsonPatch(original, patch.value);
    case 'application/merge-patch+json':
      return cloneJson(applyMergePatch(original, patch.value));
    case 'application/strategic-merge-patch+json':
      return applyStrategicMergePatch(pipeline.table, kind, original, patch.value);
  }
}

/** The patched object of `kind`, decoded anew and the caller's own. */
function patched(
  pipeline: Pipeline,
  kind: KindSchema,
  current: KubeObject,
  patch: ParsedPatch,
  request: ApiRequest,
): KubeObject {
  const value = applyPatch(pipeline, kind, current, patch);
  return decodeAs(pipeline.table, kind, { value, duplicates: patch.duplicates }, request);
}

/** A patch of what a subresource shows, e.g. a Scale. */
export function patchBody(pipeline: Pipeline, kind: KindSchema, current: KubeObject, request: ApiRequest): KubeObject {
  return patched(pipeline, kind, current, parsePatch(request), request);
}

/** Server-side apply: the fields in the body become the manager's, those it no longer names go when nobody else owns them. */
async function applyObject(pipeline: Pipeline, resolved: ResolvedKind, request: ApiRequest): Promise<ApiResult> {
  const { namespace, name } = request.target;
  const manager = request.options.fieldManager ?? '';
  if (manager === '')
    throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
      requiredField('fieldManager', 'is required for apply patch'),
    ]);
  const { value, duplicates } = parseBody(request.body!);
  reportFields(
    resolved.served,
    { unknownFields: [], duplicates },
    request.options.fieldValidation ?? 'Warn',
    request.warn,
  );
  const apply = (live: KubeObject | undefined): KubeObject => {
    const applied = applyConfiguration(pipeline.table, resolved.served, live, cloneJson(value), {
      manager,
      force: request.options.force ?? false,
      subresource: request.target.subresource,
      time: formatTime(pipeline.time.now()),
      rulesFor,
    });
    if (!applied.ok) throw applyConflict(applied.conflicts);
    return applied.object;
  };
  const result = await pipeline.storage.store.update(
    {
      kind: resolved.stored,
      namespace,
      name,
      async decide(current) {
        const live = fromStorageVersion(pipeline.table, resolved.served, current.object(), resolved.servedRules);
        const wanted = apply(live);
        alignWithPath(request, resolved, wanted);
        checkVersion(resolved, name, wanted, current);
        return decideUpdate(pipeline, resolved, request, current, wanted, 'applied');
      },
      ...(request.target.subresource === ''
        ? { createInstead: () => createMissing(pipeline, resolved, request, apply(undefined), 'applied') }
        : {}),
    },
    writeContextOf(request),
  );
  return served(pipeline, resolved, result.stored, result.created);
}

export async function patchObject(pipeline: Pipeline, resolved: ResolvedKind, request: ApiRequest): Promise<ApiResult> {
  if (request.body?.mediaType === applyType) return applyObject(pipeline, resolved, request);
  const { namespace, name } = request.target;
  const patch = parsePatch(request);
  const result = await pipeline.storage.store.update(
    {
      kind: resolved.stored,
      namespace,
      name,
      async decide(current) {
        const shown = fromStorageVersion(pipeline.table, resolved.served, current.object(), resolved.servedRules);
        const wanted = patched(pipeline, resolved.served, shown, patch, request);
        alignWithPath(request, resolved, wanted);
        checkVersion(resolved, name, wanted, current);
        return decideUpdate(pipeline, resolved, request, current, wanted);
      },
    },
    writeContextOf(request),
  );
  return served(pipeline, resolved, result.stored, result.created);
}
