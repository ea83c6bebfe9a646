/**
 * Objects as protobuf, byte for byte as Go writes them: fields by number, plain ones always, pointers if there, lists and
 * maps if not empty. Encoders are compiled once a message and table.
 */
import type { FieldSchema, FieldType, MessageName, MessageSchema, SchemaTable } from '@periplus/api/kinds';
import { type Json, type JsonObject, LosslessInteger, parseGoDuration } from '@periplus/api/meta';
import { encodeJson } from '../json-encoder.js';
import { readerOf } from '../message-plan.js';
import { parseTimestamp } from '../timestamp.js';
import { sortedKeys } from '../utf8-order.js';
import { createProtobufWriter, type ProtobufWriter, wireBytes, wireFixed64, wireVarint } from './protobuf-writer.js';

/** Writes a value with its tag. */
type FieldWriter = (value: unknown, number: number, out: ProtobufWriter) => void;
/** Writes a message's content; undefined and null are an empty one. */
type MessageWriter = (value: unknown, out: ProtobufWriter) => void;

function writeMessage(write: MessageWriter, value: unknown, number: number, out: ProtobufWriter): void {
  const start = out.size();
  write(value, out);
  out.lengthSince(start);
  out.tag(number, wireBytes);
}

const toInteger = (value: unknown): number | bigint =>
  value instanceof LosslessInteger ? BigInt(value.digits) : typeof value === 'number' ? value : 0;

const writeInteger: FieldWriter = (value, number, out) => {
  out.int(toInteger(value));
  out.tag(number, wireVarint);
};

const writeText: FieldWriter = (value, number, out) => {
  const start = out.size();
  out.text(typeof value === 'string' ? value : '');
  out.lengthSince(start);
  out.tag(number, wireBytes);
};

const writeBytes: FieldWriter = (value, number, out) => {
  const start = out.size();
  out.bytes(Buffer.from(typeof value === 'string' ? value : '', 'base64'));
  out.lengthSince(start);
  out.tag(number, wireBytes);
};

const writeBool: FieldWriter = (value, number, out) => {
  out.int(value === true ? 1 : 0);
  out.tag(number, wireVarint);
};

const writeDouble: FieldWriter = (value, number, out) => {
  out.double(typeof value === 'number' ? value : 0);
  out.tag(number, wireFixed64);
};

/** `microseconds`: the fraction is kept to them; none otherwise. */
const timeWriter =
  (microseconds: boolean): MessageWriter =>
  (value, out) => {
    const time = typeof value === 'string' ? parseTimestamp(value) : undefined;
    if (time === undefined) return;
    writeInteger(microseconds ? Math.floor(time.nanos / 1_000) * 1_000 : 0, 2, out);
    writeInteger(time.seconds, 1, out);
  };

const durationContent: MessageWriter = (value, out) => {
  const parsed = typeof value === 'string' ? parseGoDuration(value) : undefined;
  out.int(parsed?.ok ? parsed.value : 0);
  out.tag(1, wireVarint);
};

const quantityContent: MessageWriter = (value, out) => {
  writeText(typeof value === 'string' ? value : '0', 1, out);
};

const intOrStringContent: MessageWriter = (value, out) => {
  const isText = typeof value === 'string';
  writeText(isText ? value : '', 3, out);
  writeInteger(isText ? 0 : value, 2, out);
  writeInteger(isText ? 1 : 0, 1, out);
};

const jsonContent: MessageWriter = (value, out) => {
  if (value !== undefined && value !== null) writeText(encodeJson(value as Json), 1, out);
};

const asMessage =
  (content: MessageWriter): FieldWriter =>
  (value, number, out) =>
    writeMessage(content, value, number, out);

const scalarWriters: Readonly<Record<Exclude<FieldType['kind'], 'message' | 'list' | 'map'>, FieldWriter>> = {
  string: writeText,
  bool: writeBool,
  int32: writeInteger,
  int64: writeInteger,
  double: writeDouble,
  bytes: writeBytes,
  time: asMessage(timeWriter(false)),
  microTime: asMessage(timeWriter(true)),
  duration: asMessage(durationContent),
  quantity: asMessage(quantityContent),
  intOrString: asMessage(intOrStringContent),
  json: asMessage(jsonContent),
};

function isWritten(field: FieldSchema, value: unknown): boolean {
  if (field.presence === 'value') return true;
  if (value === undefined || value === null) return false;
  // A message that is a list is written when it is there, even if empty.
  if (field.type.kind === 'message') return true;
  if (field.presence === 'slice') return (value as readonly unknown[]).length > 0;
  return field.presence !== 'map' || Object.keys(value as object).length > 0;
}

class SchemaProtobufEncoder {
  private readonly writers = new Map<MessageName, MessageWriter>();

  constructor(private readonly table: SchemaTable) {}

  message(name: MessageName): MessageWriter {
    let writer = this.writers.get(name);
    if (writer === undefined) {
      const schema = this.table.messages.get(name);
      if (schema === undefined) throw new TypeError(`the schema has no message ${name}`);
      writer = schema.json === 'object' ? this.objectWriter(schema) : this.wrappedWriter(schema);
      this.writers.set(name, writer);
    }
    return writer;
  }

  /** A message that is its one field in JSON. */
  private wrappedWriter({ fields: [field] }: MessageSchema): MessageWriter {
    if (field?.number === undefined) throw new TypeError('a wrapped message lacks its field');
    const { number } = field;
    const write = this.fieldWriter(field.type);
    return (value, out) => {
      if (value !== undefined && value !== null) write(value, number, out);
    };
  }

  private objectWriter(schema: MessageSchema): MessageWriter {
    let steps: ((object: JsonObject, out: ProtobufWriter) => void)[] | undefined;
    const compile = () =>
      schema.fields
        .filter((field) => field.number !== undefined)
        .sort((a, b) => b.number! - a.number!)
        .map((field) => this.step(field));
    return (value, out) => {
      steps ??= compile();
      for (const step of steps) step((value ?? {}) as JsonObject, out);
    };
  }

  private step(field: FieldSchema): (object: JsonObject, out: ProtobufWriter) => void {
    const number = field.number!;
    if (field.inline && field.type.kind === 'message') {
      const { message } = field.type;
      return (object, out) => writeMessage(this.message(message), object, number, out);
    }
    const read = readerOf(field.json);
    const write = this.fieldWriter(field.type);
    return (object, out) => {
      const value = read(object);
      if (isWritten(field, value)) write(value, number, out);
    };
  }

  private fieldWriter(type: FieldType): FieldWriter {
    switch (type.kind) {
      case 'message': {
        const { message } = type;
        return (value, number, out) => writeMessage(this.message(message), value, number, out);
      }
      case 'list': {
        const write = this.fieldWriter(type.of);
        return (value, number, out) => {
          const list = (value ?? []) as readonly unknown[];
          for (let at = list.length - 1; at >= 0; at -= 1) write(list[at], number, out);
        };
      }
      case 'map': {
        const write = this.fieldWriter(type.of);
        return (value, number, out) => {
          const map = (value ?? {}) as JsonObject;
          for (const key of sortedKeys(map).reverse()) {
            const start = out.size();
            write(map[key], 2, out);
            writeText(key, 1, out);
            out.lengthSince(start);
            out.tag(number, wireBytes);
          }
        };
      }
      default:
        return scalarWriters[type.kind];
    }
  }
}

const encodersOf = new WeakMap<SchemaTable, SchemaProtobufEncoder>();

/** A message's own bytes, without the envelope that bodies have. */
export function encodeProtobufMessage(table: SchemaTable, message: MessageName, value: object): Uint8Array {
  let encoder = encodersOf.get(table);
  if (encoder === undefined) {
    encoder = new SchemaProtobufEncoder(table);
    encodersOf.set(table, encoder);
  }
  const out = createProtobufWriter();
  encoder.message(message)(value, out);
  return out.finish();
}

/** False for messages that exist in JSON alone, like Table. */
export function hasProtobuf(table: SchemaTable, message: MessageName): boolean {
  return table.messages.get(message)?.fields.some((field) => field.number !== undefined) ?? false;
}
