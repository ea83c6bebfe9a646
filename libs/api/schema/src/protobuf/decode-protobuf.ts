/** Protobuf messages as the JSON they mean, to be decoded like any other; unknown fields are skipped as Go skips them. */
import type { FieldSchema, FieldType, MessageName, SchemaTable } from '@periplus/api/kinds';
import { formatGoDuration, type Json, type JsonObject, LosslessInteger } from '@periplus/api/meta';
import { defaultJsonLimits, parseJson } from '../json-parser.js';
import { setOwn } from '../message-plan.js';
import { formatMicroTime, formatTime, lastTimeSeconds, zeroTimeSeconds } from '../timestamp.js';
import {
  createProtobufReader,
  ProtobufError,
  type ProtobufField,
  type ProtobufReader,
  protobufText,
} from './protobuf-reader.js';
import { wireBytes, wireFixed64, wireVarint } from './protobuf-writer.js';

export type ProtobufDecoded =
  /** Pass it to `decodeObject` or `decodeMessage`. */
  { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly error: string };

const depthMax = defaultJsonLimits.depthMax;

function expect(field: ProtobufField, wireType: number): void {
  if (field.wireType !== wireType) {
    throw new ProtobufError(`proto: wrong wireType = ${field.wireType} for field ${field.number}`);
  }
}

function toJsonInteger(value: bigint): Json {
  const signed = BigInt.asIntN(64, value);
  const number = Number(signed);
  return Number.isSafeInteger(number) ? number : new LosslessInteger(String(signed));
}

/** The fields of a small message by number, as they came last. */
function readFields(bytes: Uint8Array): Map<number, bigint | Uint8Array> {
  const reader = createProtobufReader(bytes);
  const fields = new Map<number, bigint | Uint8Array>();
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    if (field.wireType === wireVarint) fields.set(field.number, reader.varint());
    else if (field.wireType === wireBytes) fields.set(field.number, reader.bytes());
    else reader.skip(field);
  }
  return fields;
}

function integerIn(fields: Map<number, bigint | Uint8Array>, number: number): bigint {
  const value = fields.get(number) ?? 0n;
  if (typeof value !== 'bigint') throw new ProtobufError(`proto: wrong wireType = 2 for field ${number}`);
  return BigInt.asIntN(64, value);
}

function textIn(fields: Map<number, bigint | Uint8Array>, number: number): string {
  const value = fields.get(number);
  if (value === undefined) return '';
  if (typeof value === 'bigint') throw new ProtobufError(`proto: wrong wireType = 0 for field ${number}`);
  return protobufText(value);
}

function readTime(bytes: Uint8Array, format: typeof formatTime): Json {
  if (bytes.length === 0) return null;
  const fields = readFields(bytes);
  const [seconds, nanos] = [Number(integerIn(fields, 1)), Number(integerIn(fields, 2))];
  if (seconds < zeroTimeSeconds || seconds > lastTimeSeconds || nanos < 0 || nanos > 999_999_999) {
    throw new ProtobufError('proto: time is out of range');
  }
  return format({ seconds, nanos });
}

function readJson(bytes: Uint8Array): Json {
  const raw = readFields(bytes).get(1);
  if (raw === undefined) return null;
  if (typeof raw === 'bigint') throw new ProtobufError('proto: wrong wireType = 0 for field 1');
  if (raw.length === 0) return null;
  const parsed = parseJson(raw);
  if (!parsed.ok) throw new ProtobufError(parsed.error);
  return parsed.value;
}

class SchemaProtobufDecoder {
  private readonly byNumber = new Map<MessageName, ReadonlyMap<number, FieldSchema>>();

  constructor(private readonly table: SchemaTable) {}

  private fieldsOf(name: MessageName): ReadonlyMap<number, FieldSchema> {
    let fields = this.byNumber.get(name);
    if (fields === undefined) {
      const message = this.table.messages.get(name);
      if (message === undefined) throw new TypeError(`the schema has no message ${name}`);
      fields = new Map(
        message.fields.flatMap((field) => (field.number === undefined ? [] : [[field.number, field] as const])),
      );
      this.byNumber.set(name, fields);
    }
    return fields;
  }

  message(name: MessageName, bytes: Uint8Array, depth: number): Json {
    if (depth > depthMax) throw new ProtobufError('exceeded max depth');
    const object: JsonObject = {};
    this.into(object, name, bytes, depth);
    if (this.table.messages.get(name)?.json === 'object') return object;
    const [field] = this.fieldsOf(name).values();
    return field === undefined ? null : (object[field.json] ?? []);
  }

  private into(object: JsonObject, name: MessageName, bytes: Uint8Array, depth: number): void {
    const fields = this.fieldsOf(name);
    const reader = createProtobufReader(bytes);
    for (let tag = reader.next(); tag !== undefined; tag = reader.next()) {
      const field = fields.get(tag.number);
      if (field === undefined) reader.skip(tag);
      else if (field.inline && field.type.kind === 'message') {
        expect(tag, wireBytes);
        this.into(object, field.type.message, reader.bytes(), depth);
      } else this.field(object, field, tag, reader, depth);
    }
  }

  private field(
    object: JsonObject,
    field: FieldSchema,
    tag: ProtobufField,
    reader: ProtobufReader,
    depth: number,
  ): void {
    const { type } = field;
    const before = Object.hasOwn(object, field.json) ? object[field.json] : undefined;
    if (type.kind === 'list') {
      const list = Array.isArray(before) ? (before as Json[]) : [];
      this.items(list, type.of, tag, reader, depth);
      setOwn(object, field.json, list);
    } else if (type.kind === 'map') {
      expect(tag, wireBytes);
      const map = (before ?? {}) as JsonObject;
      const [key, value] = this.entry(type.of, reader.bytes(), depth);
      setOwn(map, key, value);
      setOwn(object, field.json, map);
    } else setOwn(object, field.json, this.value(type, tag, reader, depth));
  }

  /** One item, or several packed ones. */
  private items(list: Json[], type: FieldType, tag: ProtobufField, reader: ProtobufReader, depth: number): void {
    const packable = ['int32', 'int64', 'bool', 'double'].includes(type.kind);
    if (!packable || tag.wireType !== wireBytes) {
      list.push(this.value(type, tag, reader, depth));
      return;
    }
    const packed = createProtobufReader(reader.bytes());
    const wireType = type.kind === 'double' ? wireFixed64 : wireVarint;
    while (!packed.done()) list.push(this.value(type, { number: tag.number, wireType }, packed, depth));
  }

  private entry(type: FieldType, bytes: Uint8Array, depth: number): [string, Json] {
    const reader = createProtobufReader(bytes);
    let key = '';
    let value: Json = null;
    for (let tag = reader.next(); tag !== undefined; tag = reader.next()) {
      if (tag.number === 1) {
        expect(tag, wireBytes);
        key = reader.text();
      } else if (tag.number === 2) value = this.value(type, tag, reader, depth);
      else reader.skip(tag);
    }
    return [key, value];
  }

  private value(type: FieldType, tag: ProtobufField, reader: ProtobufReader, depth: number): Json {
    switch (type.kind) {
      case 'bool':
        expect(tag, wireVarint);
        return reader.varint() !== 0n;
      case 'int32':
        expect(tag, wireVarint);
        return Number(BigInt.asIntN(32, reader.varint()));
      case 'int64':
        expect(tag, wireVarint);
        return toJsonInteger(reader.varint());
      case 'double':
        expect(tag, wireFixed64);
        return finite(reader.double());
      default:
        expect(tag, wireBytes);
        return this.delimited(type, reader, depth);
    }
  }

  private delimited(type: FieldType, reader: ProtobufReader, depth: number): Json {
    switch (type.kind) {
      case 'string':
        return reader.text();
      case 'bytes':
        return Buffer.from(reader.bytes()).toString('base64');
      case 'time':
        return readTime(reader.bytes(), formatTime);
      case 'microTime':
        return readTime(reader.bytes(), formatMicroTime);
      case 'duration':
        return formatGoDuration(integerIn(readFields(reader.bytes()), 1));
      case 'quantity':
        return textIn(readFields(reader.bytes()), 1) || '0';
      case 'intOrString': {
        const fields = readFields(reader.bytes());
        return integerIn(fields, 1) === 1n ? textIn(fields, 3) : Number(BigInt.asIntN(32, integerIn(fields, 2)));
      }
      case 'json':
        return readJson(reader.bytes());
      case 'message':
        return this.message(type.message, reader.bytes(), depth + 1);
      default:
        throw new ProtobufError(`proto: a ${type.kind} can't stand here`);
    }
  }
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new ProtobufError('proto: number has no JSON form');
  return value;
}

const decodersOf = new WeakMap<SchemaTable, SchemaProtobufDecoder>();

/** Malformed bytes are an outcome, not an exception. */
export function decodeProtobufMessage(table: SchemaTable, message: MessageName, bytes: Uint8Array): ProtobufDecoded {
  let decoder = decodersOf.get(table);
  if (decoder === undefined) {
    decoder = new SchemaProtobufDecoder(table);
    decodersOf.set(table, decoder);
  }
  try {
    return { ok: true, value: decoder.message(message, bytes, 0) };
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    return { ok: false, error: error.message };
  }
}
