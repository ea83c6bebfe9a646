/** Our own short descriptions of messages and fields, for OpenAPI and `kubectl explain`; the generator puts them into the tables. */
import { coreDescriptions } from './descriptions/core.js';
import { metaDescriptions } from './descriptions/meta.js';
import { workloadDescriptions } from './descriptions/workloads.js';
import type { FieldModel, MessageModel } from './kind-model.js';

/** By message (`core/v1.Pod`), then by JSON field; the empty field is the message itself. */
export const descriptions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ...metaDescriptions,
  ...coreDescriptions,
  ...workloadDescriptions,
};

/** What is written by hand of a message, or of one of its fields. */
export function descriptionOf(message: MessageModel, field?: FieldModel): string | undefined {
  return descriptions[`${message.group.group}/${message.group.version}.${message.name}`]?.[field?.json ?? ''];
}

/** Fields that mean the same in every kind. */
const kindFields: Readonly<Record<string, string>> = {
  metadata: 'Name, namespace, labels and other metadata.',
  spec: 'What is wanted.',
  status: 'What there is. Written by the system.',
};

const listFields: Readonly<Record<string, string>> = {
  metadata: 'Metadata of the list.',
  items: 'The objects.',
};

/** As `descriptionOf`, or else what holds for every kind and list. */
export function explain(message: MessageModel, field?: FieldModel): string | undefined {
  const own = descriptionOf(message, field);
  if (own !== undefined || !message.root) return own;
  const isList = message.name.endsWith('List') && message.fields.some((candidate) => candidate.json === 'items');
  if (field === undefined) return isList ? `A list of ${message.name.slice(0, -'List'.length)}.` : undefined;
  return (isList ? listFields : kindFields)[field.json];
}
