/** `pods/ephemeralcontainers` and `pods/resize`: writes of one part of a running pod that its own update does not allow. */
import { type Container, type Pod, qosClassOf } from '@periplus/api/kinds';
import { type FieldError, forbiddenField, invalid, invalidField, staleConflict } from '@periplus/api/meta';
import { applyDefaults, cloneJson, equalJson } from '@periplus/api/schema';
import type { StoredObject } from '@periplus/server/storage';
import type { ApiRequest } from '../api-request.js';
import { admissionRequest, alignWithPath } from '../object-preparation.js';
import { getObject } from '../object-reads.js';
import { served } from '../object-writes.js';
import { patchBody } from '../patch-object.js';
import { type Pipeline, writeContextOf } from '../pipeline.js';
import { decodeRequestObject } from '../request-body.js';
import type { ResolvedKind } from '../resolved-kind.js';
import type { SubresourceHandler } from './subresource-handler.js';

/** Takes its part of `wanted` over into `next`, a copy of the current pod; says what may not be. */
type TakeOver = (next: Pod, wanted: Pod, current: Pod) => FieldError[];

const takeEphemeralContainers: TakeOver = (next, wanted, current) => {
  const field = 'spec.ephemeralContainers';
  const before = current.spec?.ephemeralContainers ?? [];
  const after = wanted.spec?.ephemeralContainers ?? [];
  next.spec = { ...next.spec!, ephemeralContainers: after };
  const errors: FieldError[] = [];
  for (const container of before) {
    const kept = after.find((other) => other.name === container.name);
    if (kept === undefined)
      errors.push(
        forbiddenField(field, `existing ephemeral containers ${JSON.stringify(container.name)} may not be removed`),
      );
    else if (!equalJson(kept, container))
      errors.push(
        forbiddenField(field, `existing ephemeral containers ${JSON.stringify(container.name)} may not be changed`),
      );
  }
  return errors;
};

const takeResources: TakeOver = (next, wanted, current) => {
  const take = (containers: Container[] | undefined, from: readonly Container[] | undefined): void => {
    for (const container of containers ?? []) {
      const other = (from ?? []).find((one) => one.name === container.name);
      if (other === undefined) continue;
      container.resources = other.resources;
      if (other.resizePolicy) container.resizePolicy = other.resizePolicy;
    }
  };
  take(next.spec?.containers, wanted.spec?.containers);
  take(next.spec?.initContainers, wanted.spec?.initContainers);
  if (!next.spec || !current.spec || qosClassOf(next.spec) === qosClassOf(current.spec)) return [];
  return [invalidField('spec', qosClassOf(next.spec), 'Pod QOS Class may not change as a result of resizing')];
};

async function decide(
  pipeline: Pipeline,
  resolved: ResolvedKind,
  request: ApiRequest,
  current: StoredObject,
  wanted: Pod,
  takeOver: TakeOver,
): Promise<Pod> {
  const { name } = request.target;
  const version = wanted.metadata?.resourceVersion;
  if (version && version !== String(current.revision)) throw staleConflict(resolved.served, name);
  const { schema, rules } = resolved.stored;
  const old = current.object() as Pod;
  const next = cloneJson(old);
  const refused = takeOver(next, wanted, old);
  const admission = admissionRequest(request, resolved, 'UPDATE', { object: next, oldObject: old });
  await pipeline.admission.mutate(admission);
  applyDefaults(pipeline.table, schema, next, rules);
  const errors = [...refused, ...(rules.validate?.(next) ?? [])];
  if (errors.length > 0) throw invalid(resolved.served, name, errors);
  await pipeline.admission.validate(admission);
  return next;
}

function createHandler(takeOver: TakeOver): SubresourceHandler {
  return async (pipeline, resolved, request) => {
    if (request.verb === 'get') return getObject(pipeline, resolved, request);
    const given =
      request.verb === 'update' ? decodeRequestObject<Pod>(pipeline.table, resolved.served, request) : undefined;
    if (given !== undefined) alignWithPath(request, resolved, given);
    const { stored } = await pipeline.storage.store.update(
      {
        kind: resolved.stored,
        namespace: request.target.namespace,
        name: request.target.name,
        async decide(current) {
          const wanted = given ?? (patchBody(pipeline, resolved.served, current.object(), request) as Pod);
          return { object: await decide(pipeline, resolved, request, current, cloneJson(wanted), takeOver) };
        },
      },
      writeContextOf(request),
    );
    return served(pipeline, resolved, stored, false);
  };
}

export const handleEphemeralContainers = createHandler(takeEphemeralContainers);
export const handleResize = createHandler(takeResources);
