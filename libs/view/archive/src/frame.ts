/**
 * The frame: what a back-up's files are made of after their first eight bytes. Pure.
 *
 *     length of the payload (4) | kind (1) | checksum (16) | payload
 *
 * The checksum is the first 16 bytes of the SHA-256 of the frame's offset (8), length, kind and payload: a frame is whole by
 * itself, and only at its own place. Numbers are big-endian.
 */
import { createHash } from 'node:crypto';

export type FrameKind = 'header' | 'entry' | 'mark' | 'end' | 'clusterKey' | 'objectKey' | 'gone';

export interface Frame {
  readonly kind: FrameKind;
  /** Where it begins in the file, and where the next one does. */
  readonly offset: number;
  readonly end: number;
  /** A view of what was read. */
  readonly payload: Uint8Array;
}

export type ParsedFrame =
  | { readonly outcome: 'frame'; readonly frame: Frame }
  /** The bytes end before the frame does; `length` is what it needs, as far as that is known. */
  | { readonly outcome: 'short'; readonly length: number }
  | { readonly outcome: 'bad'; readonly reason: string };

/** In the order of their numbers, which begin at 1. */
const kinds: readonly FrameKind[] = ['header', 'entry', 'mark', 'end', 'clusterKey', 'objectKey', 'gone'];
const checksumLength = 16;
const prefixLength = 4 + 1;
export const frameOverhead = prefixLength + checksumLength;
/** Twice what a message of the log may have. */
const payloadBytesMax = 16 * 1024 * 1024;

function checksumOf(offset: number, prefix: Uint8Array, payload: Uint8Array): Buffer {
  const place = Buffer.alloc(8);
  place.writeBigUInt64BE(BigInt(offset));
  return createHash('sha256').update(place).update(prefix).update(payload).digest().subarray(0, checksumLength);
}

/** The bytes that come before the payload in the file. */
export function framePrefix(kind: FrameKind, payload: Uint8Array, offset: number): Buffer {
  const prefix = Buffer.alloc(frameOverhead);
  prefix.writeUInt32BE(payload.length, 0);
  prefix.writeUInt8(kinds.indexOf(kind) + 1, 4);
  checksumOf(offset, prefix.subarray(0, prefixLength), payload).copy(prefix, prefixLength);
  return prefix;
}

/** The frame that begins at `at` in `bytes` and at `offset` in the file. */
export function parseFrame(bytes: Uint8Array, at: number, offset: number): ParsedFrame {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset + at, bytes.byteLength - at);
  if (view.length < prefixLength) return { outcome: 'short', length: frameOverhead };
  const length = view.readUInt32BE(0);
  const kind = kinds[view.readUInt8(4) - 1];
  if (kind === undefined) return { outcome: 'bad', reason: `a frame of kind ${view.readUInt8(4)}, which there is not` };
  if (length > payloadBytesMax) return { outcome: 'bad', reason: `a frame of ${length} bytes, which is too long` };
  const end = frameOverhead + length;
  if (view.length < end) return { outcome: 'short', length: end };
  const payload = view.subarray(frameOverhead, end);
  const checksum = view.subarray(prefixLength, frameOverhead);
  if (!checksumOf(offset, view.subarray(0, prefixLength), payload).equals(checksum))
    return { outcome: 'bad', reason: `the checksum of the ${kind} does not match` };
  return { outcome: 'frame', frame: { kind, offset, end: offset + end, payload } };
}

/** How the frame of a run's end begins, by which it is found among damaged bytes. */
export const endFrameStart: Uint8Array = Uint8Array.of(0, 0, 0, 8, kinds.indexOf('end') + 1);
export const endFrameLength = frameOverhead + 8;

/** The payload of `end`: a number of eight bytes. */
export function encodeNumber(value: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeBigUInt64BE(BigInt(value));
  return payload;
}

export function decodeNumber(payload: Uint8Array): number {
  return Number(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).readBigUInt64BE(0));
}
