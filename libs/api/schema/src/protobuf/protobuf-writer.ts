/** Writes protobuf from its end to its beginning, so that a message's length is known when it is put before it. */

export const wireVarint = 0;
export const wireFixed64 = 1;
export const wireBytes = 2;
export const wireFixed32 = 5;

export interface ProtobufWriter {
  /** Bytes written so far: remember it before writing a message's content, then call `lengthSince`. */
  readonly size: () => number;
  tag(field: number, wireType: number): void;
  /** A signed 32- or 64-bit integer; negative ones take ten bytes. */
  int(value: number | bigint): void;
  double(value: number): void;
  bytes(value: Uint8Array): void;
  text(value: string): void;
  /** Not negative. */
  varint(value: number): void;
  /** The length of what was written since `start`. */
  lengthSince(start: number): void;
  finish(): Uint8Array;
}

const initialBytes = 1_024;

export function createProtobufWriter(): ProtobufWriter {
  let buffer = Buffer.allocUnsafeSlow(initialBytes);
  let at = buffer.length;

  /** Makes room and answers where it begins. */
  const reserve = (count: number): number => {
    if (at < count) {
      const used = buffer.length - at;
      const larger = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, used + count));
      buffer.copy(larger, larger.length - used, at);
      at = larger.length - used;
      buffer = larger;
    }
    at -= count;
    return at;
  };

  const varint = (value: number): void => {
    let count = 1;
    for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) count += 1;
    let index = reserve(count);
    let rest = value;
    for (; rest > 127; index += 1) {
      buffer[index] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    buffer[index] = rest;
  };

  const bigVarint = (value: bigint): void => {
    const septets: number[] = [];
    let rest = BigInt.asUintN(64, value);
    for (; rest > 127n; rest >>= 7n) septets.push(Number(rest & 127n) | 128);
    septets.push(Number(rest));
    buffer.set(septets, reserve(septets.length));
  };

  return {
    size: () => buffer.length - at,
    tag: (field, wireType) => varint(field * 8 + wireType),
    int: (value) => (typeof value === 'bigint' || value < 0 ? bigVarint(BigInt(value)) : varint(value)),
    varint,
    double: (value) => {
      const index = reserve(8);
      buffer.writeDoubleLE(value, index);
    },
    bytes: (value) => {
      const index = reserve(value.length);
      buffer.set(value, index);
    },
    text: (value) => {
      const index = reserve(Buffer.byteLength(value));
      buffer.write(value, index);
    },
    lengthSince: (start) => varint(buffer.length - at - start),
    finish: () => Uint8Array.prototype.slice.call(buffer, at),
  };
}
