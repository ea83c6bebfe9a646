/**
 * From an object to its canonical JSON: kind, apiVersion, then the tables' order, with Go's rules of what is left out.
 * The same object always gives the same bytes. Encoders are compiled once a message and table.
 */
import type { FieldSchema, FieldType, KindSchema, MessageName, SchemaTable } from '@periplus/api/kinds';
import { formatApiVersion, type Json, type JsonObject, type KubeObject } from '@periplus/api/meta';
import { isAlwaysWritten, omitterOf } from './field-presence.js';
import { encodeJson, quoteJson } from './json-encoder.js';
import { type MessagePlan, messagePlan, readerOf } from './message-plan.js';
import { sortedKeys } from './utf8-order.js';

export interface EncodedObject {
  readonly json: string;
  /** Byte offset in the JSON at which `spliceResourceVersion` puts the resourceVersion of an object encoded without one. */
  readonly resourceVersionOffset: number;
}

export const objectMetaMessage: MessageName = 'meta.k8s.io/v1.ObjectMeta';

/** Never answers an empty text. */
type Encoder = (value: unknown) => string;

const encodeAny: Encoder = (value) => encodeJson(value as Json);
const encodeText: Encoder = (value) => quoteJson(value as string);
const encodeFlag: Encoder = (value) => (value ? 'true' : 'false');

/** What stands where Go has a zero value that is written. */
function zeroJson(type: FieldType, zeroMessage: (name: MessageName) => string): string {
  switch (type.kind) {
    case 'string':
      return '""';
    case 'bool':
      return 'false';
    case 'int32':
    case 'int64':
    case 'double':
    case 'intOrString':
      return '0';
    case 'quantity':
      return '"0"';
    case 'duration':
      return '"0s"';
    case 'message':
      return zeroMessage(type.message);
    default:
      return 'null';
  }
}

interface FieldEncoder {
  /** `"name":`. */
  readonly label: string;
  readonly read: (object: JsonObject) => unknown;
  readonly encode: Encoder;
  readonly omits: ((value: unknown) => boolean) | undefined;
  /** What is written when the object has no value; undefined: nothing. */
  readonly absent: (() => string) | undefined;
}

class SchemaEncoder {
  private readonly encoders = new Map<MessageName, Encoder>();

  constructor(private readonly table: SchemaTable) {}

  message(name: MessageName): Encoder {
    let encoder = this.encoders.get(name);
    if (encoder === undefined) {
      const plan = messagePlan(this.table, name);
      encoder = plan.schema.json === 'object' ? this.objectMessage(plan) : this.encoderOf(plan.fields[0]!.type);
      this.encoders.set(name, encoder);
    }
    return encoder;
  }

  private objectMessage(plan: MessagePlan): Encoder {
    let fields: FieldEncoder[] | undefined;
    return (value) => {
      fields ??= this.fieldEncoders(plan.fields);
      return encodeFields(fields, value as JsonObject, '');
    };
  }

  fieldEncoders(fields: readonly FieldSchema[]): FieldEncoder[] {
    return fields.map((field) => ({
      label: `${quoteJson(field.json)}:`,
      read: readerOf(field.json),
      encode: this.encoderOf(field.type),
      omits: omitterOf(field),
      absent: this.absentOf(field),
    }));
  }

  private absentOf(field: FieldSchema): (() => string) | undefined {
    if (field.presence !== 'value') return field.omit === 'never' ? () => 'null' : undefined;
    if (!isAlwaysWritten(field)) return undefined;
    const { type } = field;
    return () => zeroJson(type, (name) => this.zeroMessage(name));
  }

  private zeroMessage(name: MessageName): string {
    return messagePlan(this.table, name).schema.json === 'object' ? this.message(name)({}) : 'null';
  }

  private encoderOf(type: FieldType): Encoder {
    switch (type.kind) {
      case 'string':
      case 'bytes':
      case 'time':
      case 'microTime':
      case 'duration':
      case 'quantity':
        return encodeText;
      case 'bool':
        return encodeFlag;
      case 'message': {
        const { message } = type;
        let encoder: Encoder | undefined;
        return (value) => {
          encoder ??= this.message(message);
          return encoder(value);
        };
      }
      case 'list': {
        const encode = this.nullable(type.of);
        return (value) => {
          const list = value as readonly unknown[];
          let text = '[';
          for (let at = 0; at < list.length; at += 1) text += at === 0 ? encode(list[at]) : `,${encode(list[at])}`;
          return `${text}]`;
        };
      }
      case 'map': {
        const encode = this.nullable(type.of);
        return (value) => {
          const map = value as Record<string, unknown>;
          let text = '{';
          for (const key of sortedKeys(map)) {
            if (map[key] === undefined) continue;
            text += `${text === '{' ? '' : ','}${quoteJson(key)}:${encode(map[key])}`;
          }
          return `${text}}`;
        };
      }
      default:
        return encodeAny;
    }
  }

  private nullable(type: FieldType): Encoder {
    const encode = this.encoderOf(type);
    return (value) => (value === null || value === undefined ? 'null' : encode(value));
  }
}

/** `text` is what stands before, without its opening brace; commas are set between. */
function encodeFields(fields: readonly FieldEncoder[], object: JsonObject, before: string): string {
  let text = before;
  for (const field of fields) {
    const value = field.read(object);
    let piece: string;
    if (value === undefined || value === null) {
      if (field.absent === undefined) continue;
      piece = field.absent();
    } else {
      if (field.omits?.(value)) continue;
      piece = field.encode(value);
    }
    text += text === '' ? field.label + piece : `,${field.label}${piece}`;
  }
  return `{${text}}`;
}

const encodersOf = new WeakMap<SchemaTable, SchemaEncoder>();

function encoderFor(table: SchemaTable): SchemaEncoder {
  let encoder = encodersOf.get(table);
  if (encoder === undefined) {
    encoder = new SchemaEncoder(table);
    encodersOf.set(table, encoder);
  }
  return encoder;
}

/** Canonical JSON of any message: a list, options, a Status. */
function encodeMessage(table: SchemaTable, message: MessageName, value: object): string {
  return encoderFor(table).message(message)(value);
}

interface RootEncoders {
  /** ObjectMeta's fields before resourceVersion, and from it on. */
  readonly metaBefore: readonly FieldEncoder[];
  readonly metaAfter: readonly FieldEncoder[];
  readonly rest: readonly FieldEncoder[];
}

const rootEncoders = new WeakMap<KindSchema, RootEncoders>();

/** Undefined for kinds without ObjectMeta, such as options and reviews' bodies. */
function rootEncodersOf(table: SchemaTable, kind: KindSchema): RootEncoders | undefined {
  const known = rootEncoders.get(kind);
  if (known !== undefined) return known;
  const plan = messagePlan(table, kind.message);
  const metadata = plan.byName.get('metadata');
  if (metadata?.type.kind !== 'message' || metadata.type.message !== objectMetaMessage) return undefined;
  const encoder = encoderFor(table);
  const meta = encoder.fieldEncoders(messagePlan(table, objectMetaMessage).fields);
  const at = meta.findIndex((field) => field.label === '"resourceVersion":');
  const made = {
    metaBefore: meta.slice(0, at),
    metaAfter: meta.slice(at),
    rest: encoder.fieldEncoders(
      plan.fields.filter((field) => !['kind', 'apiVersion', 'metadata'].includes(field.json)),
    ),
  };
  rootEncoders.set(kind, made);
  return made;
}

/** Canonical JSON of an object in its kind's version; `kind` and `apiVersion` are the kind's whatever the object says. */
export function encodeObject(table: SchemaTable, kind: KindSchema, object: KubeObject): EncodedObject {
  const type = `"kind":${quoteJson(kind.kind)},"apiVersion":${quoteJson(formatApiVersion(kind))}`;
  const root = rootEncodersOf(table, kind);
  if (root === undefined) {
    const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
    const body = encodeMessage(table, kind.message, rest);
    return { json: body === '{}' ? `{${type}}` : `{${type},${body.slice(1)}`, resourceVersionOffset: 0 };
  }
  const metadata = (object.metadata ?? {}) as JsonObject;
  const before = encodeFields(root.metaBefore, metadata, '').slice(1, -1);
  const head = `{${type},"metadata":{${before}`;
  const after = encodeFields(root.metaAfter, metadata, '').slice(1, -1);
  const comma = before !== '' && after !== '' ? ',' : '';
  const rest = encodeFields(root.rest, object as JsonObject, '').slice(1, -1);
  const json = `${head}${comma}${after}}${rest === '' ? '' : `,${rest}`}}`;
  return { json, resourceVersionOffset: Buffer.byteLength(head) + comma.length };
}

/**
 * The object's bytes with its resourceVersion in place. The three cases are those of the byte at the offset and before it:
 * `…"uid":"u",|"creationTimestamp"…`, `…{|}` and `…"uid":"u"|}`.
 */
export function spliceResourceVersion(json: Uint8Array, offset: number, resourceVersion: string): Uint8Array {
  const field = `"resourceVersion":"${resourceVersion}"`;
  const last = json[offset] === 0x7d;
  const first = json[offset - 1] === 0x7b;
  const piece = Buffer.from(last ? (first ? field : `,${field}`) : `${field},`, 'latin1');
  const spliced = Buffer.allocUnsafeSlow(json.length + piece.length);
  spliced.set(json.subarray(0, offset), 0);
  spliced.set(piece, offset);
  spliced.set(json.subarray(offset), offset + piece.length);
  return spliced;
}
