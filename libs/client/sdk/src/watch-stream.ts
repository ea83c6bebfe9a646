/** A watch down one server stream: events in order, one end. */
import type { KubeObject } from '@periplus/api/meta';
import type { WatchResponse } from '@periplus/api/wire';
import type { Random, Time } from '@periplus/base/clock';
import type { ResourceTarget, StopWatch, WatchEvent, WatchHandler, WatchOptions } from '@periplus/client/api-client';
import type { Connections } from './connection.js';
import { isUnavailable, toCallError } from './failure.js';
import { toWatchRequest, toWatchStep } from './messages.js';

export interface WatchStreams {
  watch<T extends KubeObject>(target: ResourceTarget, options: WatchOptions, handler: WatchHandler<T>): StopWatch;
  close(): void;
}

/** Like upstream's clients: 5 to 10 minutes by chance, so that watches don't all end together. */
const WATCH_SECONDS_MIN = 300;
/** What the server may be late in ending the watch before the client does. */
const END_SLACK_MS = 30_000;

export function createWatchStreams(connections: Connections, time: Time, random: Random): WatchStreams {
  const stops = new Set<StopWatch>();

  function watch<T extends KubeObject>(
    target: ResourceTarget,
    options: WatchOptions,
    handler: WatchHandler<T>,
  ): StopWatch {
    const seconds = Math.floor(WATCH_SECONDS_MIN * (1 + random.next()));
    const { client, number } = connections.current();
    const stream = client.watch(toWatchRequest(target, options, seconds), connections.metadata(), {
      deadline: new Date(time.now() + seconds * 1_000 + END_SLACK_MS),
    });
    let over = false;

    const stop: StopWatch = () => {
      if (over) return;
      over = true;
      stops.delete(stop);
      stream.cancel();
    };

    function end(error: Error | undefined): void {
      if (over) return;
      over = true;
      stops.delete(stop);
      stream.cancel();
      handler.onEnd(error);
    }

    stream.on('data', (response: WatchResponse) => {
      if (over) return;
      const events: WatchEvent<T>[] = [];
      let failure: Error | undefined;
      for (const wireEvent of response.events) {
        const step = toWatchStep<T>(wireEvent);
        if ('end' in step) {
          failure = step.end;
          break;
        }
        events.push(step.event);
      }
      if (events.length > 0) handler.onEvents(events);
      if (failure !== undefined) end(failure);
    });
    stream.on('error', (error: Error) => {
      const failure = toCallError(error, `watch ${target.resource}`);
      if (isUnavailable(failure)) connections.failed(number);
      end(failure);
    });
    stream.on('end', () => end(undefined));
    stops.add(stop);
    return stop;
  }

  return {
    watch,
    close() {
      for (const stop of [...stops]) stop();
    },
  };
}
