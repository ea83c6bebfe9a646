/** A message's fields as they stand in JSON: inlined ones in their place, found by name. Made once a message and table. */
import type { JsonObject } from '@periplus/api/meta';
import type { FieldSchema, FieldType, KindSchema, MessageName, MessageSchema, SchemaTable } from '@periplus/api/kinds';

export interface MessagePlan {
  readonly schema: MessageSchema;
  /** In JSON order; none is inline. */
  readonly fields: readonly FieldSchema[];
  readonly byName: ReadonlyMap<string, FieldSchema>;
  /** The name in Go's messages, e.g. `DeploymentSpec`. */
  readonly shortName: string;
}

const plansOf = new WeakMap<SchemaTable, Map<MessageName, MessagePlan>>();

function messageOf(table: SchemaTable, name: MessageName): MessageSchema {
  const message = table.messages.get(name);
  if (message === undefined) throw new TypeError(`the schema has no message ${name}`);
  return message;
}

function flatten(table: SchemaTable, message: MessageSchema): FieldSchema[] {
  return message.fields.flatMap((field) =>
    field.inline && field.type.kind === 'message' ? flatten(table, messageOf(table, field.type.message)) : [field],
  );
}

/** Throws TypeError when the table lacks the message: tables are closed. */
export function messagePlan(table: SchemaTable, name: MessageName): MessagePlan {
  let plans = plansOf.get(table);
  if (plans === undefined) {
    plans = new Map();
    plansOf.set(table, plans);
  }
  let plan = plans.get(name);
  if (plan === undefined) {
    const schema = messageOf(table, name);
    const fields = flatten(table, schema);
    plan = {
      schema,
      fields,
      byName: new Map(fields.map((field) => [field.json, field])),
      shortName: name.slice(name.lastIndexOf('.') + 1),
    };
    plans.set(name, plan);
  }
  return plan;
}

/** The message of a kind's list, e.g. `apps/v1.DeploymentList`. */
export function listMessageOf(kind: KindSchema): MessageName {
  return kind.message.slice(0, kind.message.lastIndexOf('.') + 1) + kind.listKind;
}

/** Names that an ordinary object seems to have although nobody set them. */
const inherited = new Set([...Object.getOwnPropertyNames(Object.prototype)]);

/** An object's own field, fast for ordinary names and right for ones like `constructor`. */
export function readerOf(name: string): (object: JsonObject) => unknown {
  return inherited.has(name)
    ? (object) => (Object.hasOwn(object, name) ? object[name] : undefined)
    : (object) => object[name];
}

/** Sets an own property, also `__proto__`. */
export function setOwn(object: object, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
  } else (object as Record<string, unknown>)[name] = value;
}

/** A map for keys of users: without a prototype, so that no key is there unless it was set. */
export function createMap<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}

/** The type's name in Go's messages: `int32`, `[]v1.Container`, `map[string]string`. */
export function goTypeName(type: FieldType, enumName?: string): string {
  switch (type.kind) {
    case 'message': {
      const [, version, name] = /\/([^/.]+)\.([^.]+)$/.exec(type.message) ?? ['', 'v1', type.message];
      return `${version}.${name}`;
    }
    case 'list':
      return `[]${goTypeName(type.of, enumName)}`;
    case 'map':
      return type.of.kind === 'quantity' ? 'v1.ResourceList' : `map[string]${goTypeName(type.of)}`;
    case 'string':
      return enumName === undefined ? 'string' : `v1.${enumName}`;
    case 'double':
      return 'float64';
    case 'bytes':
      return '[]uint8';
    case 'time':
    case 'microTime':
    case 'duration':
    case 'quantity':
      return 'string';
    case 'intOrString':
      return 'int32';
    default:
      return type.kind;
  }
}
