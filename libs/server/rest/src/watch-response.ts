/** A watch as a response body: an event a frame, put together where several fall into one moment, cut when the reader is too slow. */
import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Time } from '@periplus/base/clock';
import type { WatchSink } from '@periplus/server/requests';
import type { WatchEncoder } from './watch-encoder.js';

export type OutgoingResponse = ServerResponse | Http2ServerResponse;

/** What falls within this many milliseconds goes out in one write. */
const coalesceMs = 8;
/** A reader this far behind is cut; it resumes from its last resourceVersion. */
const bufferedBytesMax = 16 * 1024 * 1024;

/** @param encoder turns events into frames in the negotiated form. The response's head has been written. */
export function createWatchSink(response: OutgoingResponse, encoder: WatchEncoder, time: Time): WatchSink {
  let pending: Uint8Array[] = [];
  let lastWrite = -Infinity;
  let cancelFlush: (() => void) | undefined;
  let ended = false;

  const flush = (): void => {
    cancelFlush = undefined;
    if (pending.length === 0 || ended) return;
    const frame = pending.length === 1 ? pending[0]! : Buffer.concat(pending);
    pending = [];
    lastWrite = time.monotonic();
    write(response, frame);
  };

  return {
    onEvents(events) {
      if (ended) return 'slow';
      if (bufferedBytes(response) > bufferedBytesMax) return 'slow';
      for (const event of events) pending.push(encoder.encode(event));
      if (time.monotonic() - lastWrite >= coalesceMs) flush();
      else cancelFlush ??= time.after(coalesceMs, flush);
      return 'ok';
    },
    onEnd() {
      cancelFlush?.();
      flush();
      ended = true;
      response.end();
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
