/** Label and field selectors of a request as a selection of objects, with the index that narrows the search. */
import {
  badRequest,
  type FieldSelector,
  type KubeObject,
  type LabelSelector,
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
  requiredFieldValue,
  selectsEverything,
} from '@periplus/api/meta';
import type { Selection } from '@periplus/server/storage';
import type { RequestOptions } from './api-request.js';
import type { ResolvedKind } from './resolved-kind.js';

/** Labels by which objects are found often enough to be worth an index. */
const indexedLabels: ReadonlySet<string> = new Set([
  'app',
  'app.kubernetes.io/name',
  'job-name',
  'k8s-app',
  'kubernetes.io/service-name',
  'pod-template-hash',
]);
const indexedFields = ['spec.nodeName', 'involvedObject.uid', 'involvedObject.name'] as const;

export function parseSelectors(options: RequestOptions): { labels: LabelSelector; fields: FieldSelector } {
  const labels = parseLabelSelector(options.labelSelector ?? '');
  if (!labels.ok) throw badRequest(labels.error);
  const fields = parseFieldSelector(options.fieldSelector ?? '');
  if (!fields.ok) throw badRequest(fields.error);
  return { labels: labels.value, fields: fields.value };
}

function indexOf(labels: LabelSelector, fields: FieldSelector): Selection['index'] {
  for (const index of indexedFields) {
    const value = requiredFieldValue(fields, index);
    if (value !== undefined) return { index, value };
  }
  for (const { key, operator, values } of labels.requirements)
    if ((operator === '=' || operator === '==') && indexedLabels.has(key) && values[0] !== undefined)
      return { index: `label:${key}`, value: values[0] };
  return undefined;
}

/** Throws 400 for a selector that can't be parsed or asks for a field that the kind does not offer. */
export function selectionOf(resolved: ResolvedKind, namespace: string, options: RequestOptions): Selection {
  const { labels, fields } = parseSelectors(options);
  const selectable = resolved.stored.rules.selectableFields ?? {};
  for (const { field } of fields.requirements) {
    const known =
      field === 'metadata.name' ||
      (field === 'metadata.namespace' && resolved.served.namespaced) ||
      Object.hasOwn(selectable, field);
    if (!known) throw badRequest(`field label not supported: ${field}`);
  }
  const read = (object: KubeObject, field: string): string => {
    if (field === 'metadata.name') return object.metadata?.name ?? '';
    if (field === 'metadata.namespace') return object.metadata?.namespace ?? '';
    return selectable[field]?.(object) ?? '';
  };
  if (selectsEverything(labels) && fields.requirements.length === 0) return { namespace };
  const index = indexOf(labels, fields);
  return {
    namespace,
    ...(index ? { index } : {}),
    matches: (object) =>
      matchesLabels(labels, object.metadata?.labels) && matchesFields(fields, (field) => read(object, field)),
  };
}
