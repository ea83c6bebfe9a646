/** One watch down one stream: what comes within some milliseconds is one message, and a reader that falls behind is cut. */
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { WatchRequest, WatchResponse } from '@periplus/api/wire';
import type { CancelTimer, Time } from '@periplus/base/clock';
import type { ServedEvent, WatchSink } from '@periplus/server/requests';
import { toWireEvent } from './result-mapping.js';

type Call = Pick<ServerWritableStream<WatchRequest, WatchResponse>, 'write' | 'end' | 'once'>;

export interface WatchCallSink extends WatchSink {
  /** Nothing is sent any more. */
  stop(): void;
}

const coalesceMs = 10;
/** A message is sent when it has this many events or bytes; both keep it far below what clients take. */
const batchEventsMax = 500;
const batchBytesMax = 1024 * 1024;
/** Events, and their bytes, that may wait for a reader besides the first ones, which are as many as there are objects. */
const waitingMax = 10_000;
const waitingBytesMax = 32 * 1024 * 1024;

/** Encoded once and shared by all watches, so that asking costs nothing twice. */
const bytesOf = (event: ServedEvent): number => ('object' in event ? event.object.json().length : 0);

export function createWatchCallSink(call: Call, time: Time): WatchCallSink {
  let waiting: ServedEvent[] = [];
  let sent = 0;
  let limit: { readonly events: number; readonly bytes: number } | undefined;
  let waitingBytes = 0;
  let blocked = false;
  let ended = false;
  let stopped = false;
  let timer: CancelTimer | undefined;

  function takeBatch(): ServedEvent[] {
    const start = sent;
    let bytes = 0;
    while (sent < waiting.length && sent - start < batchEventsMax && bytes < batchBytesMax) {
      const event = waiting[sent++]!;
      bytes += bytesOf(event);
    }
    waitingBytes -= bytes;
    return waiting.slice(start, sent);
  }

  function flush(): void {
    timer = undefined;
    while (!blocked && !stopped && sent < waiting.length) {
      const ok = call.write({ events: takeBatch().map(toWireEvent) });
      if (ok) continue;
      blocked = true;
      call.once('drain', () => {
        blocked = false;
        flush();
      });
    }
    if (sent === waiting.length) {
      waiting = [];
      sent = 0;
      if (ended && !stopped) {
        stopped = true;
        call.end();
      }
    }
  }

  return {
    onEvents(events) {
      if (stopped) return 'ok';
      for (const event of events) {
        waiting.push(event);
        waitingBytes += bytesOf(event);
      }
      limit ??= { events: events.length + waitingMax, bytes: waitingBytes + waitingBytesMax };
      if (waiting.length - sent > limit.events || waitingBytes > limit.bytes) {
        // Too far behind: what waits is dropped, the client comes back with its last resourceVersion.
        waiting = [];
        sent = 0;
        waitingBytes = 0;
        return 'slow';
      }
      timer ??= time.after(coalesceMs, flush);
      return 'ok';
    },
    onEnd() {
      ended = true;
      timer?.();
      // A blocked stream ends at once: there is nothing to wait for from a reader that doesn't read.
      if (blocked && waiting.length === 0) {
        stopped = true;
        call.end();
      } else flush();
    },
    stop() {
      stopped = true;
      timer?.();
      waiting = [];
      sent = 0;
    },
  };
}
