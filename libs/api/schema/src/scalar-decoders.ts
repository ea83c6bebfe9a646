/** From JSON to each kind of scalar in its canonical form, with Go's words for what doesn't fit. */
import type { FieldType } from '@periplus/api/kinds';
import { canonicalQuantity, formatGoDuration, type Json, LosslessInteger, parseGoDuration } from '@periplus/api/meta';
import { canonicalMicroTime, canonicalTime } from './timestamp.js';

/** Errors and unknown fields are reported up to this many. */
export const reportsMax = 100;

export interface DecodeContext {
  /** Nothing is filled in, and what is empty stays. */
  readonly sparse: boolean;
  readonly path: (string | number)[];
  readonly unknownFields: string[];
  readonly errors: string[];
}

/** Where a value stands in Go's types, for messages. */
export interface Place {
  readonly struct: string;
  readonly type: string;
}

/** Undefined means: leave the field out. */
export type Decoder = (value: Json, context: DecodeContext, place: Place) => unknown;

function jsonKind(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof LosslessInteger) return `number ${value.digits}`;
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function report(context: DecodeContext, message: string): undefined {
  if (context.errors.length < reportsMax) context.errors.push(message);
  return undefined;
}

export function wrongType(
  value: Json,
  context: DecodeContext,
  { struct, type }: Place,
  detail = jsonKind(value),
): undefined {
  const path = context.path.filter((element) => typeof element === 'string').join('.');
  const where = path === '' ? 'Go value' : `Go struct field ${struct}.${path}`;
  return report(context, `json: cannot unmarshal ${detail} into ${where} of type ${type}`);
}

const decodeString: Decoder = (value, context, place) =>
  typeof value === 'string' ? value : wrongType(value, context, place);

const decodeBool: Decoder = (value, context, place) =>
  typeof value === 'boolean' ? value : wrongType(value, context, place);

const decodeInt32: Decoder = (value, context, place) => {
  if (typeof value === 'number' && (value | 0) === value) return value;
  return wrongType(value, context, place, typeof value === 'number' ? `number ${value}` : jsonKind(value));
};

const int64Limit = 1n << 63n;

const decodeInt64: Decoder = (value, context, place) => {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  if (value instanceof LosslessInteger && value.digits.length <= 20) {
    const exact = BigInt(value.digits);
    if (exact >= -int64Limit && exact < int64Limit) return value;
  }
  return wrongType(value, context, place, typeof value === 'number' ? `number ${value}` : jsonKind(value));
};

const decodeDouble: Decoder = (value, context, place) => {
  if (typeof value === 'number') return value;
  return value instanceof LosslessInteger ? Number(value.digits) : wrongType(value, context, place);
};

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const decodeBytes: Decoder = (value, context, place) => {
  if (typeof value !== 'string') return wrongType(value, context, place);
  // Go's decoder skips line breaks inside.
  const text = /[\r\n]/.test(value) ? value.replace(/[\r\n]/g, '') : value;
  if (base64.test(text)) return text;
  const valid = /^(?:[A-Za-z0-9+/]{4})*/.exec(text)![0].length;
  return report(context, `illegal base64 data at input byte ${valid}`);
};

const badTime = (text: string): string =>
  `parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(text)} as "2006"`;

const decodeTime: Decoder = (value, context, place) => {
  if (typeof value !== 'string') return wrongType(value, context, place);
  const time = canonicalTime(value);
  return time === undefined ? report(context, badTime(value)) : time === '' ? undefined : time;
};

const decodeMicroTime: Decoder = (value, context, place) => {
  if (typeof value !== 'string') return wrongType(value, context, place);
  const time = canonicalMicroTime(value);
  return time === undefined ? report(context, badTime(value)) : time === '' ? undefined : time;
};

const decodeDuration: Decoder = (value, context, place) => {
  if (typeof value !== 'string') return wrongType(value, context, place);
  const parsed = parseGoDuration(value);
  return parsed.ok ? formatGoDuration(parsed.value) : report(context, parsed.error);
};

const decodeQuantity: Decoder = (value, context, place) => {
  const text = typeof value === 'number' || value instanceof LosslessInteger ? String(value) : value;
  if (typeof text !== 'string') return wrongType(value, context, place);
  const parsed = canonicalQuantity(text.trim());
  return parsed.ok ? parsed.value : report(context, parsed.error);
};

const decodeIntOrString: Decoder = (value, context, place) =>
  typeof value === 'string' ? value : decodeInt32(value, context, place);

const decodeAny: Decoder = (value) => value;

export const scalarDecoders: Readonly<Record<Exclude<FieldType['kind'], 'message' | 'list' | 'map'>, Decoder>> = {
  string: decodeString,
  bool: decodeBool,
  int32: decodeInt32,
  int64: decodeInt64,
  double: decodeDouble,
  bytes: decodeBytes,
  time: decodeTime,
  microTime: decodeMicroTime,
  duration: decodeDuration,
  quantity: decodeQuantity,
  intOrString: decodeIntOrString,
  json: decodeAny,
};
