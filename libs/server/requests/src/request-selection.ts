/** Label and field selectors of a request as a selection of objects, with the index that narrows the search. */
import type { KindSchema } from '@periplus/api/kinds';
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

/**
 * Labels by which a resource is selected get an index when they are first asked for. An index costs memory, and who asks
 * for what is up to clients, so a resource has only so many.
 */
const indexedLabelsMax = 12;
const indexedLabels = new WeakMap<KindSchema, Set<string>>();

function mayIndex(kind: KindSchema, label: string): boolean {
  let labels = indexedLabels.get(kind);
  if (labels === undefined) indexedLabels.set(kind, (labels = new Set<string>()));
  if (labels.has(label)) return true;
  if (labels.size >= indexedLabelsMax) return false;
  labels.add(label);
  return true;
}

const indexedFields = ['spec.nodeName', 'involvedObject.uid', 'involvedObject.name'] as const;

export function parseSelectors(options: RequestOptions): { labels: LabelSelector; fields: FieldSelector } {
  const labels = parseLabelSelector(options.labelSelector ?? '');
  if (!labels.ok) throw badRequest(labels.error);
  const fields = parseFieldSelector(options.fieldSelector ?? '');
  if (!fields.ok) throw badRequest(fields.error);
  return { labels: labels.value, fields: fields.value };
}

function indexOf(kind: KindSchema, labels: LabelSelector, fields: FieldSelector): Selection['index'] {
  for (const index of indexedFields) {
    const value = requiredFieldValue(fields, index);
    if (value !== undefined) return { index, value };
  }
  for (const { key, operator, values } of labels.requirements) {
    const isOne = operator === '=' || operator === '==' || (operator === 'in' && values.length === 1);
    if (isOne && values[0] !== undefined && mayIndex(kind, key)) return { index: `label:${key}`, value: values[0] };
  }
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
  const name = requiredFieldValue(fields, 'metadata.name');
  const isNameAlone = name !== undefined && selectsEverything(labels) && fields.requirements.length === 1;
  if (isNameAlone) return { namespace, name };
  const index = indexOf(resolved.stored.schema, labels, fields);
  return {
    namespace,
    ...(name === undefined ? {} : { name }),
    ...(index ? { index } : {}),
    matches: (object) =>
      matchesLabels(labels, object.metadata?.labels) && matchesFields(fields, (field) => read(object, field)),
  };
}
