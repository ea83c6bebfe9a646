/**
 * Consistent reads: what was acknowledged before the read began must be seen. One question to the log's leader answers
 * all readers that were waiting when it was asked; who comes while it is under way shares the next one.
 */
import { type Revision, timeout } from '@periplus/api/meta';
import type { Time } from '@periplus/base/clock';
import type { EventLog, StreamName } from '@periplus/log/event-log';
import type { WatchCache } from '@periplus/view/watch-cache';
import type { LogPatience } from './log-patience.js';

export interface ReadBarrier {
  /** Resolves when the cache has everything that the stream held at some time after the call. */
  pass(stream: StreamName, deadline: number): Promise<void>;
}

export function createReadBarrier(log: EventLog, cache: WatchCache, patience: LogPatience, time: Time): ReadBarrier {
  const underWay = new Map<StreamName, Promise<Revision>>();
  const next = new Map<StreamName, Promise<Revision>>();

  function ask(stream: StreamName): Promise<Revision> {
    const waiting = next.get(stream);
    if (waiting !== undefined) return waiting;
    const before = underWay.get(stream)?.then(noop, noop) ?? Promise.resolve();
    const question = before.then(() => {
      next.delete(stream);
      const answer = log.lastRevision(stream).finally(() => {
        if (underWay.get(stream) === answer) underWay.delete(stream);
      });
      underWay.set(stream, answer);
      return answer;
    });
    next.set(stream, question);
    return question;
  }

  return {
    async pass(stream, deadline) {
      const revision = await patience.run(deadline, () => ask(stream));
      const reached = await cache.waitFor(stream, revision, Math.max(0, deadline - time.monotonic()));
      if (!reached) throw timeout(`the cache did not reach revision ${revision} in time`);
    },
  };
}

const noop = (): void => undefined;
