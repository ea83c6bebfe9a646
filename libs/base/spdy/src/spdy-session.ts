/**
 * One end of a SPDY/3.1 connection as Kubernetes uses it: streams with headers, data both ways, half-close and reset.
 *
 * Pure: bytes come in by `receive` and go out by `write`. There is no flow control of its own, since the clients and
 * runtimes that speak SPDY here (spdystream) have none: whoever owns the socket stops reading it while a consumer is slow.
 */
import { createFrameReader, encodeFrame, type SpdyFrame } from './frames.js';
import {
  createHeaderCompressor,
  createHeaderDecompressor,
  decodeHeaders,
  encodeHeaders,
  type SpdyHeaders,
} from './header-block.js';
import { SpdyError } from './spdy-error.js';

export interface SpdyStreamHandler {
  /** The peer answered the opening of the stream. */
  onReply?(headers: SpdyHeaders): void;
  onData?(data: Buffer): void;
  /** The peer sends no more; we still may. */
  onEnd?(): void;
  /** Nothing more goes either way: reset by the peer, or the session ended. Not called after both ends ended well. */
  onError?(error: SpdyError): void;
}

export interface SpdyStream {
  readonly id: number;
  /** With which it was opened. */
  readonly headers: SpdyHeaders;
  /** For streams the peer opened: accepts. */
  reply(headers?: SpdyHeaders): void;
  /** Ignored after `end` and after an error. */
  write(data: Uint8Array): void;
  /** We send no more. */
  end(): void;
  /** Gives the stream up, both ways. */
  reset(): void;
  handle(handler: SpdyStreamHandler): void;
}

export interface SpdySessionOptions {
  /** Who opened the connection; decides whose stream ids are odd. */
  readonly role: 'client' | 'server';
  write(bytes: Buffer): void;
  /** The peer opened a stream: set its handler and reply at once, or reset it. */
  onStream?(stream: SpdyStream): void;
  /** The peer broke the rules; the connection is to be closed. Streams have been told. */
  onError(error: SpdyError): void;
  /** How many streams may be open at once; 1,000 by default. */
  readonly streamsMax?: number;
}

export interface SpdySession {
  receive(bytes: Uint8Array): void;
  openStream(headers: SpdyHeaders, handler: SpdyStreamHandler): SpdyStream;
  /** Tells every stream that the connection is gone. */
  close(): void;
  readonly openStreams: number;
}

const DATA_BYTES_MAX = 32 * 1024;
const STREAMS_MAX = 1_000;
const RST_PROTOCOL_ERROR = 1;
const RST_REFUSED = 3;
const RST_CANCEL = 5;

interface OpenStream {
  readonly stream: SpdyStream;
  handler: SpdyStreamHandler;
  localEnded: boolean;
  remoteEnded: boolean;
}

export function createSpdySession(options: SpdySessionOptions): SpdySession {
  const { role, write } = options;
  const streamsMax = options.streamsMax ?? STREAMS_MAX;
  const read = createFrameReader();
  const compress = createHeaderCompressor();
  const decompress = createHeaderDecompressor();
  const streams = new Map<number, OpenStream>();
  let nextId = role === 'client' ? 1 : 2;
  let closed = false;

  function drop(entry: OpenStream): void {
    streams.delete(entry.stream.id);
    entry.localEnded = true;
    entry.remoteEnded = true;
  }

  function dropIfDone(entry: OpenStream): void {
    if (entry.localEnded && entry.remoteEnded) streams.delete(entry.stream.id);
  }

  function fail(entry: OpenStream, error: SpdyError): void {
    drop(entry);
    entry.handler.onError?.(error);
  }

  function add(id: number, headers: SpdyHeaders, handler: SpdyStreamHandler): OpenStream {
    const stream: SpdyStream = {
      id,
      headers,
      reply(replyHeaders = {}) {
        if (streams.get(id) !== entry) return;
        write(
          encodeFrame({
            kind: 'synReply',
            streamId: id,
            last: false,
            headerBlock: compress(encodeHeaders(replyHeaders)),
          }),
        );
      },
      write(data) {
        const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
        for (let start = 0; start < bytes.length && !entry.localEnded; start += DATA_BYTES_MAX)
          write(
            encodeFrame({
              kind: 'data',
              streamId: id,
              last: false,
              data: bytes.subarray(start, start + DATA_BYTES_MAX),
            }),
          );
      },
      end() {
        if (entry.localEnded) return;
        entry.localEnded = true;
        write(encodeFrame({ kind: 'data', streamId: id, last: true, data: Buffer.alloc(0) }));
        dropIfDone(entry);
      },
      reset() {
        if (streams.get(id) !== entry) return;
        drop(entry);
        write(encodeFrame({ kind: 'rstStream', streamId: id, status: RST_CANCEL }));
      },
      handle(next) {
        entry.handler = next;
      },
    };
    const entry: OpenStream = { stream, handler, localEnded: false, remoteEnded: false };
    streams.set(id, entry);
    return entry;
  }

  function remoteEnd(entry: OpenStream): void {
    if (entry.remoteEnded) return;
    entry.remoteEnded = true;
    entry.handler.onEnd?.();
    dropIfDone(entry);
  }

  function onSynStream(frame: Extract<SpdyFrame, { kind: 'synStream' }>): void {
    const headers = decodeHeaders(decompress(frame.headerBlock));
    const odd = frame.streamId % 2 === 1;
    if (odd !== (role === 'server') || streams.has(frame.streamId))
      throw new SpdyError('PROTOCOL', `the peer may not open stream ${frame.streamId}`);
    if (!options.onStream || streams.size >= streamsMax) {
      write(encodeFrame({ kind: 'rstStream', streamId: frame.streamId, status: RST_REFUSED }));
      return;
    }
    const entry = add(frame.streamId, headers, {});
    options.onStream(entry.stream);
    if (frame.last) remoteEnd(entry);
  }

  function onFrame(frame: SpdyFrame): void {
    switch (frame.kind) {
      case 'synStream':
        onSynStream(frame);
        return;
      case 'synReply': {
        const headers = decodeHeaders(decompress(frame.headerBlock));
        const entry = streams.get(frame.streamId);
        entry?.handler.onReply?.(headers);
        if (entry && frame.last) remoteEnd(entry);
        return;
      }
      case 'headers': {
        decompress(frame.headerBlock);
        const entry = streams.get(frame.streamId);
        if (entry && frame.last) remoteEnd(entry);
        return;
      }
      case 'data': {
        const entry = streams.get(frame.streamId);
        if (!entry) return;
        if (entry.remoteEnded) {
          write(encodeFrame({ kind: 'rstStream', streamId: frame.streamId, status: RST_PROTOCOL_ERROR }));
          return;
        }
        if (frame.data.length > 0) entry.handler.onData?.(frame.data);
        if (frame.last) remoteEnd(entry);
        return;
      }
      case 'rstStream': {
        const entry = streams.get(frame.streamId);
        if (entry) fail(entry, new SpdyError('RESET', `the peer reset stream ${frame.streamId}`));
        return;
      }
      case 'ping':
        if ((frame.id % 2 === 1) === (role === 'server')) write(encodeFrame(frame));
        return;
      case 'goAway':
      case 'other':
        return;
    }
  }

  function close(error: SpdyError): void {
    if (closed) return;
    closed = true;
    for (const entry of [...streams.values()]) fail(entry, error);
  }

  return {
    receive(bytes) {
      if (closed) return;
      try {
        for (const frame of read(bytes)) onFrame(frame);
      } catch (error) {
        if (!(error instanceof SpdyError)) throw error;
        close(error);
        options.onError(error);
      }
    },
    openStream(headers, handler) {
      const id = nextId;
      nextId += 2;
      const entry = add(id, headers, handler);
      if (closed) {
        drop(entry);
        handler.onError?.(new SpdyError('CLOSED', 'the session is over'));
        return entry.stream;
      }
      write(
        encodeFrame({ kind: 'synStream', streamId: id, last: false, headerBlock: compress(encodeHeaders(headers)) }),
      );
      return entry.stream;
    },
    close: () => close(new SpdyError('CLOSED', 'the connection is gone')),
    get openStreams() {
      return streams.size;
    },
  };
}
