/** A watch as a response body: an event a frame, put together where several fall into one moment, cut when the reader is too slow. */
import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Time } from '@periplus/base/clock';
import type { WatchSink } from '@periplus/server/requests';
import type { WatchEncoder } from './watch-encoder.js';

export type OutgoingResponse = ServerResponse | Http2ServerResponse;

/** What falls within this many milliseconds goes out in one write. */
const coalesceMs = 8;
/** For the last events to go out, after the end of the watch. */
const endTimeMs = 10_000;

/**
 * @param encoder turns events into frames in the negotiated form. The response's head is written before the first event.
 * @param bufferBytesMax may wait for the reader besides the first events, which are as many as there are objects.
 */
export function createWatchSink(
  response: OutgoingResponse,
  encoder: WatchEncoder,
  time: Time,
  bufferBytesMax: number,
): WatchSink {
  let pending: Uint8Array[] = [];
  let lastWrite = -Infinity;
  let cancelFlush: (() => void) | undefined;
  let limit: number | undefined;
  let ended = false;

  const flush = (): void => {
    cancelFlush = undefined;
    if (pending.length === 0 || ended) return;
    const frame = pending.length === 1 ? pending[0]! : Buffer.concat(pending);
    pending = [];
    lastWrite = time.monotonic();
    write(response, frame);
  };

  /** What waits for a reader that doesn't read is given up with the connection or stream: only that frees it. */
  const cut = (): void => {
    ended = true;
    pending = [];
    cancelFlush?.();
    response.destroy();
  };

  return {
    onEvents(events) {
      if (ended) return 'slow';
      if (limit !== undefined && bufferedBytes(response) > limit) {
        cut();
        return 'slow';
      }
      let bytes = 0;
      for (const event of events) {
        const frame = encoder.encode(event);
        bytes += frame.length;
        pending.push(frame);
      }
      limit ??= bytes + bufferBytesMax;
      if (time.monotonic() - lastWrite >= coalesceMs) flush();
      else cancelFlush ??= time.after(coalesceMs, flush);
      return 'ok';
    },
    onEnd() {
      if (ended) return;
      cancelFlush?.();
      flush();
      ended = true;
      response.end();
      const cancel = time.after(endTimeMs, () => response.destroy());
      response.once('close', cancel);
    },
  };
}

function write(response: OutgoingResponse, chunk: Uint8Array): void {
  // The two classes overload `write` differently; both take bytes.
  (response as ServerResponse).write(chunk);
}

function bufferedBytes(response: OutgoingResponse): number {
  return 'stream' in response && response.stream ? response.stream.writableLength : response.writableLength;
}
