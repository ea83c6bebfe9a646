/** The frames of SPDY/3.1 that Kubernetes uses, as bytes and back; header blocks stay compressed here. */
import { SpdyError } from './spdy-error.js';

export type SpdyFrame =
  | { readonly kind: 'data'; readonly streamId: number; readonly last: boolean; readonly data: Buffer }
  | {
      readonly kind: 'synStream';
      readonly streamId: number;
      readonly last: boolean;
      readonly headerBlock: Buffer;
    }
  | { readonly kind: 'synReply'; readonly streamId: number; readonly last: boolean; readonly headerBlock: Buffer }
  | { readonly kind: 'headers'; readonly streamId: number; readonly last: boolean; readonly headerBlock: Buffer }
  | { readonly kind: 'rstStream'; readonly streamId: number; readonly status: number }
  | { readonly kind: 'ping'; readonly id: number }
  | { readonly kind: 'goAway'; readonly lastStreamId: number; readonly status: number }
  /** Settings, window updates and what else may come: read over. */
  | { readonly kind: 'other'; readonly type: number };

const VERSION = 3;
const FLAG_LAST = 0x01;
const HEAD_BYTES = 8;
/** Of one frame; data frames of peers are 32 KiB at most in practice. */
const FRAME_BYTES_MAX = 1024 * 1024;
const STREAM_ID_MASK = 0x7fffffff;

const types = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goAway: 7, headers: 8 } as const;

function control(type: number, flags: number, body: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt16BE(0x8000 | VERSION, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE(body.length, 4);
  head.writeUInt8(flags, 4);
  return Buffer.concat([head, body]);
}

function numbers(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) buffer.writeUInt32BE(value, index * 4);
  return buffer;
}

export function encodeFrame(frame: Exclude<SpdyFrame, { kind: 'other' }>): Buffer {
  switch (frame.kind) {
    case 'data': {
      const head = numbers(frame.streamId, frame.data.length);
      head.writeUInt8(frame.last ? FLAG_LAST : 0, 4);
      return Buffer.concat([head, frame.data]);
    }
    case 'synStream': {
      const body = Buffer.concat([numbers(frame.streamId, 0), Buffer.from([0, 0]), frame.headerBlock]);
      return control(types.synStream, frame.last ? FLAG_LAST : 0, body);
    }
    case 'synReply':
    case 'headers': {
      const body = Buffer.concat([numbers(frame.streamId), frame.headerBlock]);
      return control(types[frame.kind], frame.last ? FLAG_LAST : 0, body);
    }
    case 'rstStream':
      return control(types.rstStream, 0, numbers(frame.streamId, frame.status));
    case 'ping':
      return control(types.ping, 0, numbers(frame.id));
    case 'goAway':
      return control(types.goAway, 0, numbers(frame.lastStreamId, frame.status));
  }
}

function decodeControl(type: number, flags: number, body: Buffer): SpdyFrame {
  const last = (flags & FLAG_LAST) !== 0;
  const need = (bytes: number): void => {
    if (body.length < bytes) throw new SpdyError('PROTOCOL', `a frame of type ${type} has only ${body.length} bytes`);
  };
  const id = (offset: number): number => body.readUInt32BE(offset) & STREAM_ID_MASK;
  switch (type) {
    case types.synStream:
      need(10);
      return { kind: 'synStream', streamId: id(0), last, headerBlock: body.subarray(10) };
    case types.synReply:
      need(4);
      return { kind: 'synReply', streamId: id(0), last, headerBlock: body.subarray(4) };
    case types.headers:
      need(4);
      return { kind: 'headers', streamId: id(0), last, headerBlock: body.subarray(4) };
    case types.rstStream:
      need(8);
      return { kind: 'rstStream', streamId: id(0), status: body.readUInt32BE(4) };
    case types.ping:
      need(4);
      return { kind: 'ping', id: body.readUInt32BE(0) };
    case types.goAway:
      need(8);
      return { kind: 'goAway', lastStreamId: id(0), status: body.readUInt32BE(4) };
    default:
      return { kind: 'other', type };
  }
}

/** Cuts a stream of bytes into frames; throws `SpdyError` for what no frame can be. */
export function createFrameReader(): (bytes: Uint8Array) => readonly SpdyFrame[] {
  let pending: Buffer[] = [];
  let pendingBytes = 0;

  function take(length: number): Buffer {
    const all = pending.length === 1 ? (pending[0] ?? Buffer.alloc(0)) : Buffer.concat(pending);
    pending = all.length > length ? [all.subarray(length)] : [];
    pendingBytes -= length;
    return all.subarray(0, length);
  }

  function peekHead(): Buffer {
    const [first] = pending;
    if (first && first.length >= HEAD_BYTES) return first;
    pending = [Buffer.concat(pending)];
    return pending[0] ?? Buffer.alloc(0);
  }

  return (bytes) => {
    if (bytes.length > 0) {
      pending.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
      pendingBytes += bytes.length;
    }
    const frames: SpdyFrame[] = [];
    while (pendingBytes >= HEAD_BYTES) {
      const head = peekHead();
      const first = head.readUInt32BE(0);
      const flags = head.readUInt8(4);
      const length = head.readUIntBE(5, 3);
      if (length > FRAME_BYTES_MAX) throw new SpdyError('LIMIT', `a frame of ${length} bytes is too long`);
      if (pendingBytes < HEAD_BYTES + length) break;
      const body = take(HEAD_BYTES + length).subarray(HEAD_BYTES);
      if (first < 0x80000000) {
        frames.push({ kind: 'data', streamId: first & STREAM_ID_MASK, last: (flags & FLAG_LAST) !== 0, data: body });
        continue;
      }
      const version = (first >>> 16) & 0x7fff;
      if (version !== VERSION) throw new SpdyError('PROTOCOL', `a frame is of version ${version}`);
      frames.push(decodeControl(first & 0xffff, flags, body));
    }
    return frames;
  };
}
