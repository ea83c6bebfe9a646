/** The loop every controller runs in: keys in, one `reconcile` a key at a time, failures tried again with back-off. */
import type { Random, Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import { isOutage, isRace } from './failure.js';
import { createWorkQueue, type WorkQueueBackoff } from './work-queue.js';

/** What a reconcile asks for: nothing, or to be called again later even if nothing changes. */
export type Reconciled = { readonly requeueAfterMs: number } | undefined;

export interface ControllerOptions {
  /** As in upstream's metrics and logs: `deployment`, `replicaset` … */
  readonly name: string;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** Keys worked on at once; 5 by default. */
  readonly concurrency?: number;
  /** By default 5 ms doubling to 1,000 s. */
  readonly backoff?: WorkQueueBackoff;
  /** What must have synced before the first reconcile. */
  readonly waitFor: readonly { whenSynced(): Promise<boolean> }[];
  /**
   * Brings the world of one key closer to what is wanted, from the caches as they are now. Called again for whatever
   * reason, so it must be idempotent; never concurrently for one key. A rejection is tried again with back-off.
   */
  reconcile(key: string): Promise<Reconciled>;
}

export interface Controller {
  readonly name: string;
  enqueue(key: string): void;
  enqueueAfter(key: string, delayMs: number): void;
  /** Begins when the caches have synced. */
  start(): void;
  /** Resolves when the reconciles under way are over. No other begins. */
  stop(): Promise<void>;
  /** Keys that wait. */
  readonly backlog: number;
}

const DEFAULT_BACKOFF: WorkQueueBackoff = { initialMs: 5, maxMs: 1_000_000, jitter: 0.1 };
const DEFAULT_CONCURRENCY = 5;
/** While the server is away a key isn't at fault: it waits no longer than this. */
const OUTAGE_DELAY_MAX_MS = 1_000;

export function createController(options: ControllerOptions): Controller {
  const logger = options.logger.with({ controller: options.name });
  const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
  let state: 'idle' | 'waiting' | 'running' | 'stopped' = 'idle';
  let active = 0;
  let pumpPlanned = false;
  let onIdle: (() => void) | undefined;

  const queue = createWorkQueue({
    time: options.time,
    random: options.random,
    backoff: options.backoff ?? DEFAULT_BACKOFF,
    onReady: planPump,
  });

  /** Keys added in one turn are looked at together, after it. */
  function planPump(): void {
    if (pumpPlanned || state !== 'running') return;
    pumpPlanned = true;
    queueMicrotask(() => {
      pumpPlanned = false;
      pump();
    });
  }

  function pump(): void {
    while (state === 'running' && active < concurrency) {
      const key = queue.take();
      if (key === undefined) return;
      active += 1;
      void work(key).finally(() => {
        active -= 1;
        queue.done(key);
        if (state === 'stopped' && active === 0) onIdle?.();
        planPump();
      });
    }
  }

  async function work(key: string): Promise<void> {
    try {
      const result = await options.reconcile(key);
      queue.forget(key);
      if (result !== undefined) queue.addAfter(key, result.requeueAfterMs);
    } catch (error) {
      const fields = { key, error, failures: queue.failures(key) + 1 };
      if (isOutage(error)) {
        logger.info('reconcile interrupted, the server is away', fields);
        queue.addAfterFailure(key, OUTAGE_DELAY_MAX_MS);
        return;
      }
      if (isRace(error)) logger.debug('reconcile met a newer state', fields);
      else logger.warn('reconcile failed', fields);
      queue.addAfterFailure(key);
    }
  }

  return {
    name: options.name,
    enqueue: (key) => queue.add(key),
    enqueueAfter: (key, delayMs) => queue.addAfter(key, delayMs),
    start() {
      if (state !== 'idle') return;
      state = 'waiting';
      void Promise.all(options.waitFor.map((source) => source.whenSynced())).then((synced) => {
        if (state !== 'waiting' || synced.includes(false)) return;
        state = 'running';
        planPump();
      });
    },
    stop() {
      state = 'stopped';
      queue.stop();
      if (active === 0) return Promise.resolve();
      return new Promise((resolve) => {
        onIdle = resolve;
      });
    },
    get backlog() {
      return queue.size;
    },
  };
}
