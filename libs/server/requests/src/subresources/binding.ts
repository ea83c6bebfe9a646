/** `pods/binding` (and the old `bindings`): gives a pod its node, once. */
import { type Binding, findKind, findResource, type Pod, rulesFor } from '@periplus/api/kinds';
import { badRequest, conflict, internalError, invalid, requiredField, unsupportedField } from '@periplus/api/meta';
import { cloneJson } from '@periplus/api/schema';
import { formatTime } from '@periplus/base/clock';
import { type StoredKind } from '@periplus/server/storage';
import { admissionRequest } from '../object-preparation.js';
import { type Pipeline, writeContextOf } from '../pipeline.js';
import { decodeRequestObject } from '../request-body.js';
import { type SubresourceHandler, success } from './subresource-handler.js';

const bindingResource = { group: '', resource: 'pods/binding' };

export function podKind(pipeline: Pipeline): StoredKind {
  const schema = findResource(pipeline.table, '', 'v1', 'pods');
  if (schema === undefined) throw internalError('the schema has no pods');
  return { schema, rules: rulesFor(schema) };
}

function checkBinding(binding: Binding, name: string): void {
  const { kind = '', name: node = '' } = binding.target ?? {};
  const errors = [];
  if (kind !== '' && kind !== 'Node') errors.push(unsupportedField('target.kind', kind, ['Node', '<empty>']));
  if (node === '') errors.push(requiredField('target.name'));
  if (errors.length > 0) throw invalid({ group: '', kind: 'Binding' }, name, errors);
}

function bind(pod: Pod, binding: Binding, nowMs: number): Pod {
  const name = pod.metadata?.name ?? '';
  const refuse = (detail: string): never => {
    throw conflict(bindingResource, name, detail);
  };
  const uid = binding.metadata?.uid;
  if (uid && uid !== pod.metadata?.uid)
    refuse(`Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata?.uid ?? ''}`);
  if (pod.metadata?.deletionTimestamp !== undefined)
    refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  if (pod.spec?.nodeName) refuse(`pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
  if ((pod.spec?.schedulingGates ?? []).length > 0) throw badRequest(`pod ${name} has non-empty .spec.schedulingGates`);
  const bound = cloneJson(pod);
  bound.spec = { ...bound.spec!, nodeName: binding.target!.name ?? '' };
  const annotations = binding.metadata?.annotations;
  if (annotations && Object.keys(annotations).length > 0)
    bound.metadata = { ...bound.metadata, annotations: { ...bound.metadata?.annotations, ...annotations } };
  const others = (bound.status?.conditions ?? []).filter((condition) => condition.type !== 'PodScheduled');
  bound.status = {
    ...bound.status,
    conditions: [...others, { type: 'PodScheduled', status: 'True', lastTransitionTime: formatTime(nowMs) }],
  };
  return bound;
}

export const handleBinding: SubresourceHandler = async (pipeline, resolved, request) => {
  const kind = findKind(pipeline.table, '', 'v1', 'Binding');
  if (kind === undefined) throw internalError('the schema has no Binding');
  const binding = decodeRequestObject<Binding>(pipeline.table, kind, request);
  const name = request.target.name || (binding.metadata?.name ?? '');
  if (binding.metadata?.name && binding.metadata.name !== name)
    throw badRequest(`the name of the object (${binding.metadata.name}) does not match the name on the URL (${name})`);
  checkBinding(binding, name);
  const admission = admissionRequest(request, resolved, 'CREATE', {
    object: { ...binding, metadata: { ...binding.metadata, name } },
  });
  await pipeline.admission.mutate(admission);
  await pipeline.admission.validate(admission);
  await pipeline.storage.store.update(
    {
      kind: podKind(pipeline),
      namespace: request.target.namespace,
      name,
      decide: (current) => ({
        object: bind(current.object() as Pod, binding, pipeline.time.now()),
        keepsGeneration: true,
      }),
    },
    { ...writeContextOf(request), subresource: 'binding' },
  );
  return { type: 'status', status: success(201) };
};
