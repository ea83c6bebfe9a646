/** A log for the specs here: in memory, its time moved by hand, written to as the apiserver would. */
import type { ObjectKey, Revision } from '@periplus/api/meta';
import { systemTime, type Time } from '@periplus/base/clock';
import { createMemoryLog, type MemoryLog } from '@periplus/log/event-log/testing';
import { encodeObjectEvent, ensureGenesis, type ObjectEvent, subjectOf, streamOf } from '@periplus/log/object-events';
import { testEvent } from '@periplus/log/object-events/testing';

export interface SpecLog {
  readonly log: MemoryLog;
  readonly time: Time;
  /** Moves the log's clock. */
  at(timeMs: number): void;
  /** One transaction; parents are found out. */
  write(...writes: readonly SpecWrite[]): Promise<readonly Revision[]>;
}

export type SpecWrite = Partial<ObjectEvent> & {
  readonly key: ObjectKey;
  readonly content?: Readonly<Record<string, unknown>>;
  readonly ttlSeconds?: number;
};

/** Long past what any spec's clock says. */
export const beginningMs = 1_700_000_000_000;

export async function startSpecLog(clusterId = 'spec'): Promise<SpecLog> {
  let nowMs = beginningMs;
  const time: Time = { ...systemTime, now: () => nowMs };
  const log = createMemoryLog({ time });
  await ensureGenesis(log, clusterId, time);
  let transactions = 0;
  return {
    log,
    time,
    at: (timeMs) => void (nowMs = timeMs),
    async write(...writes) {
      transactions += 1;
      const count = writes.length;
      const batch = await Promise.all(
        writes.map(async ({ content, ttlSeconds, ...more }, index) => {
          const parent = await log.lastRevisionOf(streamOf(more.key), subjectOf(more.key));
          const transaction = count > 1 ? { transaction: { id: `t${transactions}`, index, count } } : {};
          const event = testEvent({ key: more.key, content }, { parent, ...transaction, ...more });
          const ttl = ttlSeconds === undefined ? {} : { ttlSeconds };
          return { subject: subjectOf(more.key), payload: encodeObjectEvent(event), ...ttl };
        }),
      );
      const outcome = await log.append(streamOf(writes[0]!.key), batch);
      if (outcome.outcome !== 'appended') throw new Error(outcome.outcome);
      return outcome.revisions;
    },
  };
}
