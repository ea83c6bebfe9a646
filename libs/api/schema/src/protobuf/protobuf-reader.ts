/** Reads protobuf's wire format; anything malformed is a `ProtobufError`, whatever the bytes are. */
import { isUtf8 } from 'node:buffer';
import { wireBytes, wireFixed32, wireFixed64, wireVarint } from './protobuf-writer.js';

/** Bytes that are no protobuf message of the expected type. Not worth a retry. */
export class ProtobufError extends Error {
  readonly code = 'MALFORMED_PROTOBUF';
}

export interface ProtobufField {
  readonly number: number;
  readonly wireType: number;
}

export interface ProtobufReader {
  /** The next field's tag; undefined at the end. */
  next(): ProtobufField | undefined;
  varint(): bigint;
  double(): number;
  /** A view, not a copy. */
  bytes(): Uint8Array;
  text(): string;
  skip(field: ProtobufField): void;
  readonly done: () => boolean;
}

/** Strings must be UTF-8. */
export function protobufText(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new ProtobufError('proto: string field contains invalid UTF-8');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

const unexpectedEnd = (): never => {
  throw new ProtobufError('unexpected EOF');
};

export function createProtobufReader(data: Uint8Array): ProtobufReader {
  const view = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  let at = 0;

  const varint = (): bigint => {
    const first = view[at];
    if (first !== undefined && first < 128) {
      at += 1;
      return BigInt(first);
    }
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = view[at];
      if (byte === undefined) return unexpectedEnd();
      at += 1;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw new ProtobufError('proto: integer overflow');
  };

  const take = (count: number): Uint8Array => {
    if (count > view.length - at) return unexpectedEnd();
    const taken = view.subarray(at, at + count);
    at += count;
    return taken;
  };

  const bytes = (): Uint8Array => {
    const length = varint();
    if (length > BigInt(view.length)) return unexpectedEnd();
    return take(Number(length));
  };

  return {
    next: () => {
      if (at >= view.length) return undefined;
      const tag = varint();
      const number = Number(tag >> 3n);
      if (number <= 0 || number > 0x1fff_ffff) throw new ProtobufError(`proto: illegal tag ${number}`);
      return { number, wireType: Number(tag & 7n) };
    },
    varint,
    double: () => Buffer.from(take(8)).readDoubleLE(0),
    bytes,
    text: () => protobufText(bytes()),
    skip: ({ wireType, number }) => {
      if (wireType === wireVarint) varint();
      else if (wireType === wireFixed64) take(8);
      else if (wireType === wireBytes) bytes();
      else if (wireType === wireFixed32) take(4);
      else throw new ProtobufError(`proto: illegal wireType ${wireType} of field ${number}`);
    },
    done: () => at >= view.length,
  };
}
