/**
 * From parsed JSON to an object of a kind: types checked, nulls dropped, quantities and times in canonical form, unknown
 * fields pruned and named. Decoders are compiled once a message and table.
 *
 * Objects come out as their canonical JSON would be read back: what is empty and would be left out is left out, and what
 * is always written (`status: {}`, `resources: {}`, `ready: false`) is there. So decoding what was encoded changes nothing.
 */
import type { FieldSchema, FieldType, KindSchema, MessageName, SchemaTable } from '@periplus/api/kinds';
import {
  badRequest,
  formatApiVersion,
  type Json,
  type JsonObject,
  type KubeObject,
  LosslessInteger,
  type StatusError,
} from '@periplus/api/meta';
import { isAlwaysWritten, omitterOf } from './field-presence.js';
import { formatJsonPath } from './json-parser.js';
import { createMap, goTypeName, type MessagePlan, messagePlan, setOwn } from './message-plan.js';
import {
  type DecodeContext,
  type Decoder,
  type Place,
  reportsMax,
  scalarDecoders,
  wrongType,
} from './scalar-decoders.js';

export interface Decoded<T = KubeObject> {
  /** What could be decoded; of use only when there are no errors. */
  readonly object: T;
  /** Paths like `spec.template.spec.containers[0].foo`, at most a hundred. */
  readonly unknownFields: readonly string[];
  /** In Go's words; the first is what upstream answers. */
  readonly errors: readonly string[];
}

/** What Go has where nothing was given, as it appears in JSON; undefined for what is null or left out. */
function zeroValue(type: FieldType, zeroMessage: (name: MessageName) => unknown): unknown {
  switch (type.kind) {
    case 'message':
      return zeroMessage(type.message);
    case 'string':
      return '';
    case 'bool':
      return false;
    case 'int32':
    case 'int64':
    case 'double':
    case 'intOrString':
      return 0;
    case 'quantity':
      return '0';
    case 'duration':
      return '0s';
    default:
      return undefined;
  }
}

interface FieldDecoder {
  readonly omits: ((value: unknown) => boolean) | undefined;
  readonly decode: Decoder;
  readonly place: Place;
}

interface MessageDecoder {
  decode(value: Json, context: DecodeContext, place: Place): unknown;
  zero(): unknown;
}

class SchemaDecoder {
  private readonly messages = new Map<MessageName, MessageDecoder>();

  constructor(private readonly table: SchemaTable) {}

  message(name: MessageName): MessageDecoder {
    let decoder = this.messages.get(name);
    if (decoder === undefined) {
      const plan = messagePlan(this.table, name);
      decoder = plan.schema.json === 'object' ? this.objectMessage(plan) : this.wrappedMessage(plan);
      this.messages.set(name, decoder);
    }
    return decoder;
  }

  /** A message that is its one field's array, scalar or any JSON. */
  private wrappedMessage(plan: MessagePlan): MessageDecoder {
    const field = plan.fields[0]!;
    const decode = this.decoderOf(field.type);
    return { decode, zero: () => undefined };
  }

  private objectMessage(plan: MessagePlan): MessageDecoder {
    const fields = new Map<string, FieldDecoder>();
    const always: FieldSchema[] = [];
    let compiled = false;
    // Compiled on first use: messages may refer to each other.
    const compile = (): void => {
      compiled = true;
      for (const field of plan.fields) {
        const place = { struct: plan.shortName, type: goTypeName(field.type, field.enum?.name) };
        fields.set(field.json, { omits: omitterOf(field), decode: this.decoderOf(field.type), place });
        if (isAlwaysWritten(field)) always.push(field);
      }
    };
    const fill = (object: object): object => {
      for (const field of always) {
        if (Object.hasOwn(object, field.json)) continue;
        const zero = zeroValue(field.type, (name) => this.message(name).zero());
        if (zero !== undefined) setOwn(object, field.json, zero);
      }
      return object;
    };
    return {
      decode: (value, context, place) => {
        if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof LosslessInteger) {
          return wrongType(value, context, place);
        }
        if (!compiled) compile();
        const object: Record<string, unknown> = {};
        for (const key of Object.keys(value)) {
          const known = fields.get(key);
          const given = (value as JsonObject)[key];
          if (known === undefined) {
            if (context.unknownFields.length < reportsMax) {
              context.unknownFields.push(formatJsonPath([...context.path, key]));
            }
            continue;
          }
          if (given === null || given === undefined) continue;
          context.path.push(key);
          const decoded = known.decode(given, context, known.place);
          context.path.pop();
          if (decoded !== undefined && (context.sparse || !known.omits?.(decoded))) setOwn(object, key, decoded);
        }
        return context.sparse ? object : fill(object);
      },
      zero: () => {
        if (!compiled) compile();
        return fill({});
      },
    };
  }

  private decoderOf(type: FieldType): Decoder {
    switch (type.kind) {
      case 'message':
        return (value, context, place) => this.message(type.message).decode(value, context, place);
      case 'list':
        return this.listDecoder(type.of);
      case 'map':
        return this.mapDecoder(type.of);
      default:
        return scalarDecoders[type.kind];
    }
  }

  private elementZero(type: FieldType): unknown {
    return zeroValue(type, (name) => this.message(name).zero());
  }

  private listDecoder(of: FieldType): Decoder {
    const decode = this.decoderOf(of);
    return (value, context, place) => {
      if (!Array.isArray(value)) return wrongType(value, context, place);
      const element = { struct: place.struct, type: place.type.replace(/^\[\]/, '') };
      const list: unknown[] = [];
      for (let index = 0; index < value.length; index += 1) {
        context.path.push(index);
        const item = value[index] as Json;
        const decoded = item === null && of.kind !== 'json' ? undefined : decode(item, context, element);
        list.push(decoded === undefined ? (this.elementZero(of) ?? null) : decoded);
        context.path.pop();
      }
      return list;
    };
  }

  private mapDecoder(of: FieldType): Decoder {
    const decode = this.decoderOf(of);
    const type = goTypeName(of);
    return (value, context, place) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof LosslessInteger) {
        return wrongType(value, context, place);
      }
      const element = { struct: place.struct, type };
      const map = createMap<unknown>();
      for (const key of Object.keys(value)) {
        context.path.push(key);
        const item = (value as JsonObject)[key]!;
        const decoded = item === null && of.kind !== 'json' ? undefined : decode(item, context, element);
        map[key] = decoded === undefined ? (this.elementZero(of) ?? (of.kind === 'bytes' ? '' : null)) : decoded;
        context.path.pop();
      }
      return map;
    };
  }
}

const decodersOf = new WeakMap<SchemaTable, SchemaDecoder>();

function decoderFor(table: SchemaTable): SchemaDecoder {
  let decoder = decodersOf.get(table);
  if (decoder === undefined) {
    decoder = new SchemaDecoder(table);
    decodersOf.set(table, decoder);
  }
  return decoder;
}

function decodeWith<T>(table: SchemaTable, message: MessageName, value: Json, sparse: boolean): Decoded<T> {
  const context: DecodeContext = { sparse, path: [], unknownFields: [], errors: [] };
  const plan = messagePlan(table, message);
  const place = { struct: plan.shortName, type: goTypeName({ kind: 'message', message }) };
  const object = decoderFor(table).message(message).decode(value, context, place) ?? {};
  return { object: object as T, unknownFields: context.unknownFields, errors: context.errors };
}

/** Any message: a list, options, a Status. `value` must be what `parseJson` gave, not an object that others hold. */
export function decodeMessage<T = JsonObject>(table: SchemaTable, message: MessageName, value: Json): Decoded<T> {
  return decodeWith(table, message, value, false);
}

/** Part of an object, as server-side apply is given it: canonical where it says something, and saying nothing more. */
export function decodeConfiguration<T extends KubeObject = KubeObject>(
  table: SchemaTable,
  kind: KindSchema,
  value: Json,
): Decoded<T> {
  return decodeWith(table, kind.message, value, true);
}

/** An object of a kind; `apiVersion` and `kind` are filled in where absent, and not checked. */
export function decodeObject<T extends KubeObject = KubeObject>(
  table: SchemaTable,
  kind: KindSchema,
  value: Json,
): Decoded<T> {
  const decoded = decodeMessage<T>(table, kind.message, value);
  decoded.object.apiVersion ??= formatApiVersion(kind);
  decoded.object.kind ??= kind.kind;
  return decoded;
}

/** The 400 for a body that can't be decoded. */
export function cannotDecode(kind: KindSchema, error: string): StatusError {
  return badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${error}`);
}
