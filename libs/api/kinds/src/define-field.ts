/** Builders of schema entries, so that all have one shape: generated tables and compiled custom kinds use them. */
import type { FieldSchema, FieldType, MessageSchema, Presence, ScalarKind } from './schema-table.js';

const scalar = (kind: ScalarKind): FieldType => ({ kind });

/** The scalar types, one object each. */
export const scalarTypes: Readonly<Record<ScalarKind, FieldType>> = {
  string: scalar('string'),
  bool: scalar('bool'),
  int32: scalar('int32'),
  int64: scalar('int64'),
  double: scalar('double'),
  bytes: scalar('bytes'),
  time: scalar('time'),
  microTime: scalar('microTime'),
  duration: scalar('duration'),
  quantity: scalar('quantity'),
  intOrString: scalar('intOrString'),
  json: scalar('json'),
};

export const messageType = (message: string): FieldType => ({ kind: 'message', message });
export const listType = (of: FieldType): FieldType => ({ kind: 'list', of });
export const mapType = (of: FieldType): FieldType => ({ kind: 'map', of });

/** What a field is when nothing is said of it: optional, left out when empty, presence by type. */
export type FieldOptions = Partial<Omit<FieldSchema, 'json' | 'number' | 'type'>>;

const noOptions: FieldOptions = {};

function impliedPresence(type: FieldType): Presence {
  if (type.kind === 'list') return 'slice';
  return type.kind === 'map' || type.kind === 'bytes' ? type.kind : 'value';
}

/** `number` is undefined for fields that exist in JSON alone. Every key is present, so that all fields share a hidden class. */
export function defineField(
  json: string,
  number: number | undefined,
  type: FieldType,
  options: FieldOptions = noOptions,
): FieldSchema {
  return {
    json,
    number,
    type,
    inline: options.inline,
    required: options.required,
    omit: options.omit ?? 'empty',
    presence: options.presence ?? impliedPresence(type),
    list: options.list,
    atomic: options.atomic,
    granular: options.granular,
    patch: options.patch,
    default: options.default,
    enum: options.enum,
    validation: options.validation,
    description: options.description,
  };
}

/** An ordinary message: an object in JSON. */
export function defineMessage(
  name: string,
  fields: readonly FieldSchema[],
  options: Partial<Omit<MessageSchema, 'name' | 'fields'>> = {},
): MessageSchema {
  return { name, fields, atomic: options.atomic, json: options.json ?? 'object', description: options.description };
}

const kindField = defineField('kind', undefined, scalarTypes.string, {
  description: 'What the object is, e.g. `Pod`.',
});
const apiVersionField = defineField('apiVersion', undefined, scalarTypes.string, {
  description: 'Group and version of the kind, e.g. `apps/v1`.',
});

/** A message with `kind` and `apiVersion`, first in JSON and absent from the protobuf message. */
export function defineRoot(
  name: string,
  fields: readonly FieldSchema[],
  options: Partial<Omit<MessageSchema, 'name' | 'fields'>> = {},
): MessageSchema {
  return defineMessage(name, [kindField, apiVersionField, ...fields], options);
}
