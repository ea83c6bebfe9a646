/** `scale`: the replicas of anything that has them, as one small object. */
import { findKind, type KindSchema, type LabelSelector, type Scale } from '@periplus/api/kinds';
import {
  formatApiVersion,
  formatLabelSelector,
  internalError,
  invalid,
  invalidField,
  type KubeObject,
  labelSelectorOf,
  staleConflict,
  toLabelSelector,
} from '@periplus/api/meta';
import { cloneJson } from '@periplus/api/schema';
import type { StoredObject } from '@periplus/server/storage';
import type { ApiRequest } from '../api-request.js';
import type { ApiResult } from '../api-result.js';
import { admissionRequest } from '../object-preparation.js';
import { patchBody } from '../patch-object.js';
import { type Pipeline, writeContextOf } from '../pipeline.js';
import { decodeRequestObject } from '../request-body.js';
import type { ResolvedKind } from '../resolved-kind.js';
import { serveBody } from '../served-body.js';
import type { SubresourceHandler } from './subresource-handler.js';

/** A workload as far as scaling goes. */
interface Scalable extends KubeObject {
  spec?: { replicas?: number; selector?: LabelSelector | Record<string, string> };
  status?: { replicas?: number };
}

function scaleKind(pipeline: Pipeline, resolved: ResolvedKind): KindSchema {
  const { group, version, kind } = resolved.subresource!;
  const found = findKind(pipeline.table, group, version, kind);
  if (found === undefined) throw internalError(`no kind ${kind} of scale`);
  return found;
}

/** A ReplicationController's selector is a map of labels. */
function selectorText(resolved: ResolvedKind, scalable: Scalable): string {
  const selector = scalable.spec?.selector;
  if (selector === undefined) return '';
  if (resolved.stored.schema.group === '')
    return formatLabelSelector(labelSelectorOf(selector as Record<string, string>));
  const parsed = toLabelSelector(selector as LabelSelector);
  return parsed.ok ? formatLabelSelector(parsed.value) : '';
}

function toScale(resolved: ResolvedKind, kind: KindSchema, stored: StoredObject): KubeObject {
  const scalable = stored.object() as Scalable;
  const { name, namespace, uid, creationTimestamp } = scalable.metadata ?? {};
  const text = selectorText(resolved, scalable);
  const scale: Scale = {
    apiVersion: formatApiVersion(kind),
    kind: kind.kind,
    metadata: { name, namespace, uid, resourceVersion: String(stored.revision), creationTimestamp },
    spec: { replicas: scalable.spec?.replicas ?? 0 },
    status: { replicas: scalable.status?.replicas ?? 0, ...(text === '' ? {} : { selector: text }) },
  };
  if (kind.group !== 'extensions' || scale.status === undefined) return scale;
  // The old group has the labels apart, and the text beside them.
  const labels = (scalable.spec?.selector as LabelSelector | undefined)?.matchLabels;
  const { selector: _text, ...status } = scale.status;
  return {
    ...scale,
    status: { ...status, ...(labels ? { selector: labels } : {}), ...(text === '' ? {} : { targetSelector: text }) },
  } as KubeObject;
}

const result = (pipeline: Pipeline, kind: KindSchema, scale: KubeObject, stored: StoredObject): ApiResult => ({
  type: 'object',
  object: serveBody(pipeline.table, kind, scale, stored.revision),
  created: false,
});

export const handleScale: SubresourceHandler = async (pipeline, resolved, request) => {
  const kind = scaleKind(pipeline, resolved);
  const { namespace, name } = request.target;
  if (request.verb === 'get') {
    const stored = await pipeline.storage.reader.get(resolved.stored.schema, namespace, name, {
      resourceVersion: request.options.resourceVersion,
      at: request.options.at,
      deadline: request.deadline,
    });
    return result(pipeline, kind, toScale(resolved, kind, stored), stored);
  }
  const given = request.verb === 'update' ? decodeRequestObject<Scale>(pipeline.table, kind, request) : undefined;
  const { stored } = await pipeline.storage.store.update(
    {
      kind: resolved.stored,
      namespace,
      name,
      async decide(current) {
        const wanted = given ?? (patchBody(pipeline, kind, toScale(resolved, kind, current), request) as Scale);
        return { object: await scaled(pipeline, resolved, request, current, wanted) };
      },
    },
    writeContextOf(request),
  );
  return result(pipeline, kind, toScale(resolved, kind, stored), stored);
};

async function scaled(
  pipeline: Pipeline,
  resolved: ResolvedKind,
  request: ApiRequest,
  current: StoredObject,
  wanted: Scale,
): Promise<KubeObject> {
  const { name } = request.target;
  const version = wanted.metadata?.resourceVersion;
  if (version && version !== String(current.revision)) throw staleConflict(resolved.served, name);
  const replicas = wanted.spec?.replicas ?? 0;
  if (replicas < 0)
    throw invalid({ group: resolved.subresource!.group, kind: 'Scale' }, name, [
      invalidField('spec.replicas', replicas, 'must be greater than or equal to 0'),
    ]);
  const old = current.object();
  const next = cloneJson(old) as Scalable;
  next.spec = { ...next.spec, replicas };
  const admission = admissionRequest(request, resolved, 'UPDATE', { object: next, oldObject: old });
  await pipeline.admission.mutate(admission);
  await pipeline.admission.validate(admission);
  return next;
}
