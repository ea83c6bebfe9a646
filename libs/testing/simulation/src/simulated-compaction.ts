/** The log's compactor under a policy of seconds, killed at random before each thing that it does. */
import type { Random, Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import type { EventLog, StreamName } from '@periplus/log/event-log';
import type { MemoryLog } from '@periplus/log/event-log/testing';
import type { KeyStore } from '@periplus/log/object-events';
import type { Revision } from '@periplus/api/meta';
import { type CompactionSource, type CompactorStats, createCompactor } from '@periplus/view/retention';
import { createLogCompactionSource } from '@periplus/view/retention/testing';

export interface SimulatedCompactionOptions {
  /** The projector's own connection. */
  readonly connection: EventLog;
  readonly log: Pick<MemoryLog, 'retained'>;
  readonly keyStore: KeyStore;
  /** Where the projection is. */
  watermark(stream: StreamName): Revision;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** Kills the process that compacts, and starts it again. */
  die(): void;
}

/** Long enough for every client to come back after any outage, short enough to let go of most of a run. */
const policy = { rule: { ageMs: 30_000, entriesMax: 5 }, overrides: new Map() };
const graceMs = 15_000;
const intervalMs = 5_000;
const deathShare = 0.003;

export function startCompaction(options: SimulatedCompactionOptions): CompactorStats {
  const { connection, log, keyStore, time, random, logger, die } = options;

  /** Before each step: the process may not live to take it. */
  function mortal<Arguments extends readonly unknown[], Result>(
    step: (...args: Arguments) => Promise<Result>,
  ): (...args: Arguments) => Promise<Result> {
    return (...args) => {
      if (random.next() >= deathShare) return step(...args);
      die();
      // One of its own: a promise that all shared would keep whoever waits for it, and so each world, for ever.
      return new Promise<never>(() => undefined);
    };
  }

  const source: CompactionSource = createLogCompactionSource(log, options.watermark);
  const compactor = createCompactor({
    log: { ...connection, append: mortal(connection.append), purge: mortal(connection.purge) },
    keyStore: { ...keyStore, delete: mortal(keyStore.delete) },
    policy,
    graceMs,
    intervalMs,
    passLimitMs: 2_000,
    portion: 20,
    orphanAgeMs: 60_000,
    time,
    random,
    logger,
  });
  void compactor.run({ ...source, forget: mortal(source.forget) }, new AbortController().signal);
  return compactor.stats;
}
