/** Keeps a sink in step with the server: one list, then a watch resumed from the last resourceVersion seen; a new list only when history is gone. */
import { isStatusError, type KubeObject } from '@periplus/api/meta';
import type { CancelTimer, Time } from '@periplus/base/clock';
import type { Backoff } from '@periplus/base/stdx';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient, ResourceTarget, StopWatch, WatchEvent } from '@periplus/client/api-client';

export interface ReflectorSink<T extends KubeObject> {
  /** Everything there is; what is not in it is gone. */
  replace(objects: readonly T[]): void;
  apply(events: readonly WatchEvent<T>[]): void;
}

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: ApiClient;
  readonly target: ResourceTarget;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly time: Time;
  readonly logger: Logger;
  /** Between failed lists and watches. */
  readonly backoff: Backoff;
  /** Objects a list asks for at once. */
  readonly pageSize: number;
  readonly sink: ReflectorSink<T>;
}

export interface Reflector {
  start(): void;
  /** Nothing reaches the sink after it. */
  stop(): void;
  /** The last position seen; '' before the first list. */
  resourceVersion(): string;
}

/** A watch that ended sooner than this, without an event, counts as failed, so that a server that refuses politely isn't hammered. */
const SHORT_WATCH_MS = 1_000;
/** So many failed watches in a row, and the position itself is doubted: list again. */
const FAILED_WATCHES_BEFORE_RELIST = 8;

const isHistoryGone = (error: unknown): boolean => isStatusError(error, 'Expired') || isStatusError(error, 'Gone');

export function createReflector<T extends KubeObject>(options: ReflectorOptions<T>): Reflector {
  const { client, target, time, sink, backoff } = options;
  const logger = options.logger.with({ resource: target.resource, group: target.group });
  const selectors = {
    ...(options.labelSelector === undefined ? {} : { labelSelector: options.labelSelector }),
    ...(options.fieldSelector === undefined ? {} : { fieldSelector: options.fieldSelector }),
  };
  let state: 'idle' | 'running' | 'stopped' = 'idle';
  let position = '';
  let failures = 0;
  let stopWatch: StopWatch | undefined;
  let cancelRetry: CancelTimer | undefined;

  function succeeded(): void {
    failures = 0;
    backoff.reset();
  }

  function later(step: () => void): void {
    cancelRetry = time.after(backoff.nextMs(), () => {
      cancelRetry = undefined;
      step();
    });
  }

  async function listAll(): Promise<{ items: T[]; resourceVersion: string }> {
    const items: T[] = [];
    let token: string | undefined;
    for (;;) {
      const page = await client.list<T>(target, {
        ...selectors,
        limit: options.pageSize,
        ...(token === undefined ? {} : { continue: token }),
      });
      for (const item of page.items) items.push(item);
      if (page.continue === undefined || page.continue === '' || state !== 'running')
        return { items, resourceVersion: page.resourceVersion };
      token = page.continue;
    }
  }

  function list(): void {
    listAll().then(
      (result) => {
        if (state !== 'running') return;
        succeeded();
        position = result.resourceVersion;
        sink.replace(result.items);
        watch();
      },
      (error: unknown) => {
        if (state !== 'running') return;
        failures += 1;
        logger.warn('list failed', { error, failures });
        later(list);
      },
    );
  }

  function onEvents(events: readonly WatchEvent<T>[]): void {
    const last = events[events.length - 1];
    if (state !== 'running' || last === undefined) return;
    succeeded();
    position = (last.type === 'BOOKMARK' ? last.resourceVersion : last.object.metadata?.resourceVersion) ?? position;
    sink.apply(events);
  }

  function onEnd(error: Error | undefined, startedAt: number): void {
    stopWatch = undefined;
    if (state !== 'running') return;
    if (isHistoryGone(error)) {
      logger.info('history is gone, listing again', { resourceVersion: position });
      failures += 1;
      later(list);
      return;
    }
    if (error === undefined && time.monotonic() - startedAt >= SHORT_WATCH_MS) succeeded();
    else failures += 1;
    if (error !== undefined) logger.debug('watch ended', { error, failures, resourceVersion: position });
    if (failures >= FAILED_WATCHES_BEFORE_RELIST) later(list);
    else later(watch);
  }

  function watch(): void {
    const startedAt = time.monotonic();
    let ended = false;
    const stop = client.watch<T>(
      target,
      { ...selectors, resourceVersion: position },
      {
        onEvents,
        onEnd(error) {
          ended = true;
          onEnd(error, startedAt);
        },
      },
    );
    if (!ended) stopWatch = stop;
  }

  return {
    start() {
      if (state !== 'idle') return;
      state = 'running';
      list();
    },
    stop() {
      state = 'stopped';
      cancelRetry?.();
      cancelRetry = undefined;
      stopWatch?.();
      stopWatch = undefined;
    },
    resourceVersion: () => position,
  };
}
