/** OpenAPI schemas of messages, in the dialects of versions 2 and 3. */
import type { FieldSchema, FieldType, KindSchema, MessageSchema, ScalarKind, SchemaTable } from '@periplus/api/kinds';
import type { Json, JsonObject } from '@periplus/api/meta';
import { definitionName } from './definition-name.js';

export type OpenApiVersion = 2 | 3;

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** Scalars with a definition of their own, as clients know them. */
const scalarDefinitions: Readonly<Partial<Record<ScalarKind, string>>> = {
  time: `${meta}.Time`,
  microTime: `${meta}.MicroTime`,
  duration: `${meta}.Duration`,
  quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  intOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  json: 'io.k8s.apimachinery.pkg.runtime.RawExtension',
};

const dateTime: JsonObject = { type: 'string', format: 'date-time' };

function namedScalars(version: OpenApiVersion): ReadonlyMap<string, JsonObject> {
  const numberOrString = (type: string): JsonObject =>
    version === 2 ? { type: 'string' } : { oneOf: [{ type: 'string' }, { type }] };
  return new Map<string, JsonObject>([
    [scalarDefinitions.time!, { description: 'A time in RFC 3339, in UTC and whole seconds.', ...dateTime }],
    [scalarDefinitions.microTime!, { description: 'A time in RFC 3339, in UTC and microseconds.', ...dateTime }],
    [scalarDefinitions.duration!, { description: 'A duration such as `1h30m`.', type: 'string' }],
    [
      scalarDefinitions.quantity!,
      { description: 'A number with a suffix of scale, such as `100m`, `1.5` or `2Gi`.', ...numberOrString('number') },
    ],
    [
      scalarDefinitions.intOrString!,
      {
        description: 'A whole number, or a string such as `50%`.',
        format: 'int-or-string',
        ...numberOrString('integer'),
      },
    ],
    [scalarDefinitions.json!, { description: 'An object of any form.', type: 'object' }],
    [
      `${meta}.Patch`,
      { description: 'A change of an object, in the form that the content type names.', type: 'object' },
    ],
  ]);
}

const scalarSchemas: Readonly<Partial<Record<ScalarKind, JsonObject>>> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  bytes: { type: 'string', format: 'byte' },
};

export const patchDefinition = `${meta}.Patch`;

export interface Definitions {
  /** A reference to the message's definition; also marks it, and what it refers to, as used. */
  refer(message: string): JsonObject;
  /** The same by the definition's name. */
  referNamed(name: string): JsonObject;
  /** Definitions of everything that was referred to, by name. */
  collect(): JsonObject;
}

interface Gvk {
  readonly group: string;
  readonly kind: string;
  readonly version: string;
}

/** Kinds and their lists, by message. */
function groupVersionKinds(table: SchemaTable): Map<string, Gvk> {
  const kinds = new Map<string, Gvk>();
  for (const { message, group, version, kind, listKind } of table.kinds) {
    // Kinds of meta.k8s.io go by the name `v1`, as the core group's.
    kinds.set(message, { group: group === 'meta.k8s.io' ? '' : group, kind, version });
    if (listKind !== '') kinds.set(listMessage(message, listKind), { group, kind: listKind, version });
  }
  return kinds;
}

export const listMessage = (message: string, listKind: string): string =>
  `${message.slice(0, message.lastIndexOf('.'))}.${listKind}`;

/** For custom kinds, whose tables have no list messages. */
function synthesizeList(name: string, kinds: readonly KindSchema[]): MessageSchema | undefined {
  const kind = kinds.find((candidate) => listMessage(candidate.message, candidate.listKind) === name);
  if (kind === undefined) return undefined;
  const field = (json: string, type: FieldType, required?: true): FieldSchema => ({
    json,
    type,
    required,
    omit: 'empty',
    presence: 'value',
  });
  return {
    name,
    json: 'object',
    fields: [
      field('kind', { kind: 'string' }),
      field('apiVersion', { kind: 'string' }),
      field('metadata', { kind: 'message', message: 'meta.k8s.io/v1.ListMeta' }),
      field('items', { kind: 'list', of: { kind: 'message', message: kind.message } }, true),
    ],
  };
}

export function createDefinitions(table: SchemaTable, version: OpenApiVersion): Definitions {
  const prefix = version === 2 ? '#/definitions/' : '#/components/schemas/';
  const kinds = groupVersionKinds(table);
  const scalars = namedScalars(version);
  const collected = new Map<string, JsonObject>();

  const reference = (name: string): JsonObject => ({ $ref: `${prefix}${name}` });

  function referNamed(name: string): JsonObject {
    const scalar = scalars.get(name);
    if (scalar !== undefined) collected.set(name, scalar);
    return reference(name);
  }

  function refer(messageName: string): JsonObject {
    const name = definitionName(messageName);
    if (!collected.has(name)) {
      const message = table.messages.get(messageName) ?? synthesizeList(messageName, table.kinds);
      // Set before its fields are followed: messages may contain themselves.
      collected.set(name, {});
      collected.set(name, message === undefined ? { type: 'object' } : messageSchema(message));
    }
    return reference(name);
  }

  function typeSchema(type: FieldType): JsonObject {
    switch (type.kind) {
      case 'message':
        return refer(type.message);
      case 'list':
        return { type: 'array', items: typeSchema(type.of) };
      case 'map':
        return { type: 'object', additionalProperties: typeSchema(type.of) };
      default: {
        const plain = scalarSchemas[type.kind];
        return plain === undefined ? referNamed(scalarDefinitions[type.kind]!) : { ...plain };
      }
    }
  }

  /** In version 3 a reference may have nothing beside it, so it is wrapped where something is said of the field. */
  function fieldSchema(field: FieldSchema): JsonObject {
    const schema = typeSchema(field.type);
    const extras = fieldExtras(field);
    if (version === 3 && '$ref' in schema && Object.keys(extras).length > 0) return { ...extras, allOf: [schema] };
    return { ...extras, ...schema };
  }

  function messageSchema(message: MessageSchema): JsonObject {
    const kind = kinds.get(message.name);
    const described = message.description === undefined ? {} : { description: message.description };
    if (message.json === 'array') return { ...described, ...typeSchema(message.fields[0]!.type) };
    if (message.json === 'any') return { ...described, 'x-kubernetes-preserve-unknown-fields': true };
    const fields = flattenFields(table, message);
    const required = fields.filter((field) => field.required).map((field) => field.json);
    return {
      ...described,
      type: 'object',
      // Keys may come from users: never assigned, so that `__proto__` is a key like any other.
      properties: Object.fromEntries(fields.map((field) => [field.json, fieldSchema(field)])),
      ...(required.length > 0 ? { required } : {}),
      ...(message.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
      ...(kind === undefined ? {} : { 'x-kubernetes-group-version-kind': [{ ...kind }] }),
    };
  }

  return {
    refer,
    referNamed,
    collect: () => Object.fromEntries([...collected].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Inline messages give their fields to the parent. */
function flattenFields(table: SchemaTable, message: MessageSchema): FieldSchema[] {
  return message.fields.flatMap((field) => {
    if (field.inline !== true || field.type.kind !== 'message') return [field];
    const inner = table.messages.get(field.type.message);
    return inner === undefined ? [] : flattenFields(table, inner);
  });
}

/** What is said of a field besides its type. */
function fieldExtras(field: FieldSchema): JsonObject {
  const { list, patch } = field;
  const strategies = patch?.strategies ?? [];
  return {
    ...(field.description === undefined ? {} : { description: field.description }),
    ...(field.default === undefined ? {} : { default: field.default as Json }),
    ...(field.enum?.closed === true && field.type.kind === 'string' ? { enum: [...field.enum.values].sort() } : {}),
    ...(list === undefined ? {} : { 'x-kubernetes-list-type': list.type }),
    ...(list?.type === 'map' ? { 'x-kubernetes-list-map-keys': [...list.keys] } : {}),
    ...(field.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    ...(field.granular ? { 'x-kubernetes-map-type': 'granular' } : {}),
    ...(strategies.length > 0 ? { 'x-kubernetes-patch-strategy': strategies.join(',') } : {}),
    ...(patch?.mergeKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': patch.mergeKey }),
  };
}
