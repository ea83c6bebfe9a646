/**
 * JSON's values as CBOR and back, as upstream's servers and client-go exchange them: self-described items, all text as byte
 * strings (which a Go client reads as text or, where a field is of bytes, as base64), bytes of tag 22 as base64 text.
 */
import { badRequest, internalError, type Json, type JsonObject, LosslessInteger } from '@periplus/api/meta';
import { parseJson } from '@periplus/api/schema';
import { decode, encode, type EncodeOptions, Token, Tokenizer, Type } from 'cborg';

/** Says of what follows that it is CBOR: tag 55799. */
const selfDescribed = Uint8Array.of(0xd9, 0xd9, 0xf7);
const selfDescribedTag = 55_799;
const base64Tag = 22;
const timeTextTag = 0;

/** As of JSON: keys, elements and values in the whole body, and how deep they are nested. */
const nodesMax = 1_000_000;
const depthMax = 500;

class CborError extends Error {
  readonly code = 'CBOR_SYNTAX';
}

/** Counts what it hands out: a small body may stand for a great many values. */
class CountingTokenizer extends Tokenizer {
  private count = 0;
  override next(): Token {
    this.count += 1;
    if (this.count > nodesMax) throw new CborError('too many values');
    return super.next();
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

class Base64Bytes {
  constructor(readonly bytes: Uint8Array) {}
}

function bytesOf(value: unknown): Base64Bytes {
  if (!(value instanceof Uint8Array)) throw new CborError('tag 22 is of byte strings');
  return new Base64Bytes(value);
}

const decodeOptions = {
  allowIndefinite: true,
  allowBigInt: true,
  allowUndefined: false,
  allowNaN: false,
  allowInfinity: false,
  useMaps: true,
  rejectDuplicateMapKeys: true,
  tags: {
    [selfDescribedTag]: (item: () => unknown) => item(),
    [timeTextTag]: (item: () => unknown) => item(),
    [base64Tag]: (item: () => unknown) => bytesOf(item()),
  },
};

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (value instanceof Base64Bytes) return Buffer.from(value.bytes).toString('base64');
  return value instanceof Uint8Array ? utf8.decode(value) : undefined;
}

function objectOf(map: ReadonlyMap<unknown, unknown>, depth: number): JsonObject {
  const object = Object.create(null) as JsonObject;
  for (const [key, value] of map) {
    const name = textOf(key);
    if (name === undefined) throw new CborError('keys of maps must be text');
    if (Object.hasOwn(object, name)) throw new CborError(`found duplicate map key ${JSON.stringify(name)}`);
    object[name] = jsonOf(value, depth + 1);
  }
  return object;
}

function jsonOf(value: unknown, depth: number): Json {
  if (depth > depthMax) throw new CborError('exceeded max depth');
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return value;
  if (typeof value === 'bigint') return new LosslessInteger(value.toString());
  if (Array.isArray(value)) return value.map((item) => jsonOf(item, depth + 1));
  if (value instanceof Map) return objectOf(value, depth);
  const text = textOf(value);
  if (text === undefined) throw new CborError('a value that JSON does not have');
  return text;
}

/** Throws 400 for bytes that are no CBOR, or hold what JSON can't. */
export function parseCbor(bytes: Uint8Array): Json {
  try {
    return jsonOf(decode(bytes, { ...decodeOptions, tokenizer: new CountingTokenizer(bytes, decodeOptions) }), 0);
  } catch (error) {
    // What nests deeper than the stack shows as a RangeError.
    throw badRequest(`error decoding the request body: ${(error as Error).message}`);
  }
}

const encodeOptions: EncodeOptions = {
  typeEncoders: {
    string: (text: string) => new Token(Type.bytes, Buffer.from(text)),
    Object(value: object) {
      if (!(value instanceof LosslessInteger)) return null;
      const integer = BigInt(value.digits);
      const fits = integer >= -(1n << 64n) && integer < 1n << 64n;
      if (!fits) return new Token(Type.float, Number(integer));
      return integer < 0n ? new Token(Type.negint, integer) : new Token(Type.uint, integer);
    },
  },
  ignoreUndefinedProperties: true,
};

/** One data item, not yet self-described: a part of another. */
export function cborItem(value: Json): Uint8Array {
  return encode(value, encodeOptions);
}

/** What this server has written itself has no limits but its own. */
const ownJsonLimits = { depthMax: Infinity, nodesMax: Infinity, duplicatesMax: 0 };

export function cborItemOfJson(json: Uint8Array): Uint8Array {
  const parsed = parseJson(json, ownJsonLimits);
  if (!parsed.ok) throw internalError(`an object could not be written as CBOR: ${parsed.error}`);
  return cborItem(parsed.value);
}

/** A whole body, or one item of a sequence. */
export function describedCbor(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([selfDescribed, ...parts]);
}

/** What stands before a map of so many entries, or an array of so many items. */
export function cborHead(kind: 'array' | 'map', count: number): Uint8Array {
  const major = kind === 'array' ? 0x80 : 0xa0;
  if (count < 24) return Uint8Array.of(major | count);
  const head = Buffer.alloc(5);
  head[0] = major | 26;
  head.writeUInt32BE(count, 1);
  return head;
}
