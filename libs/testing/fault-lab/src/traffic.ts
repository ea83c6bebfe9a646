/** Clients that write, read and watch while things break; what they ask and are told is in the journal. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ConfigMap } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import type { Random } from '@periplus/base/clock';
import type { ApiClient, ResourceTarget, TransactingClient, WatchOptions } from '@periplus/client/api-client';

export interface Traffic {
  /** No further work is begun; resolves when what is under way has ended. */
  stop(): Promise<void>;
}

export interface Watcher {
  /** Watches that were begun. */
  readonly sessions: number;
  /** How often the server no longer knew where it was. */
  readonly relists: number;
  stop(): void;
}

export const configMaps: ResourceTarget = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' };
const tiers = ['gold', 'silver', 'none'];
const retryMs = 100;
/** Refusals and lost answers are part of the game; they are in the journal. */
const lost: ReadonlySet<unknown> = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CANCELLED']);

export async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isStatusError(error) && !lost.has((error as { code?: unknown }).code)) throw error;
  }
}

/** Again and again after `pauseMs`, until it is stopped. */
export function startLoop(work: () => Promise<void>, pauseMs: number): Traffic {
  let isOver = false;
  const loop = (async () => {
    while (!isOver) {
      await work();
      await pause(pauseMs);
    }
  })();
  return {
    stop() {
      isOver = true;
      return loop;
    },
  };
}

export function mapOf(name: string, random: Random, bytes = 200): ConfigMap {
  const tier = tiers[Math.floor(random.next() * tiers.length)]!;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default', labels: { tier } },
    data: { text: Buffer.from(random.bytes(bytes >> 1)).toString('hex') },
  };
}

export interface WriterOptions {
  /** Shared with other writers: they race. */
  readonly names: readonly string[];
  readonly pauseMs: number;
  readonly random: Random;
}

/** Creates, patches, deletes, writes what it has just read, and writes two at once. */
export function startWriter(client: TransactingClient, { names, pauseMs, random }: WriterOptions): Traffic {
  function work(): Promise<void> {
    const at = Math.floor(random.next() * names.length);
    const target = { ...configMaps, name: names[at]! };
    const map = mapOf(target.name, random);
    const dice = random.next();
    if (dice < 0.3) return attempt(() => client.create(configMaps, map));
    if (dice < 0.5)
      return attempt(() =>
        client.patch(target, 'merge', { metadata: { labels: map.metadata?.labels }, data: map.data }),
      );
    if (dice < 0.6) return attempt(() => client.delete(target));
    if (dice < 0.7)
      return attempt(() =>
        client.transact(
          [target.name, names[(at + 1) % names.length]!].map((name) => ({
            verb: 'patch',
            target: { ...configMaps, name },
            type: 'apply',
            patch: { ...map, metadata: { ...map.metadata, name } },
            force: true,
          })),
          { fieldManager: 'both' },
        ),
      );
    return attempt(async () => {
      const { metadata } = await client.get<ConfigMap>(target);
      const resourceVersion = metadata?.resourceVersion;
      await client.update(target, { ...map, metadata: { ...map.metadata, resourceVersion } } as ConfigMap);
    });
  }
  return startLoop(work, pauseMs);
}

/** Gets and lists, most of them of the newest. */
export function startReader(client: ApiClient, { names, pauseMs, random }: WriterOptions): Traffic {
  function work(): Promise<void> {
    const name = names[Math.floor(random.next() * names.length)]!;
    const dice = random.next();
    if (dice < 0.5) return attempt(() => client.get({ ...configMaps, name }));
    if (dice < 0.6) return attempt(() => client.get({ ...configMaps, name }, { resourceVersion: '0' }));
    if (dice < 0.8) return attempt(() => client.list(configMaps));
    if (dice < 0.9) return attempt(() => client.list(configMaps, { resourceVersion: '0' }));
    return attempt(() => client.list(configMaps, { labelSelector: 'tier=gold' }));
  }
  return startLoop(work, pauseMs);
}

/** Watches through every fault, going on after the last version that it saw. */
export function startWatcher(
  clients: readonly ApiClient[],
  selectors: Pick<WatchOptions, 'labelSelector' | 'fieldSelector'> = {},
): Watcher {
  let last: string | undefined;
  let isOver = false;
  let sessions = 0;
  let relists = 0;
  let stop = (): void => undefined;

  function watch(): void {
    if (isOver) return;
    const client = clients[sessions % clients.length]!;
    sessions += 1;
    let isInOrder = last !== undefined;
    const from = last === undefined ? { sendInitialEvents: true } : { resourceVersion: last };
    stop = client.watch(
      configMaps,
      { ...selectors, ...from },
      {
        onEvents(events) {
          for (const event of events)
            if (event.type === 'BOOKMARK') {
              last = event.resourceVersion;
              isInOrder = true;
            } else if (isInOrder) last = event.object.metadata?.resourceVersion ?? last;
        },
        onEnd(error) {
          if (isStatusError(error, 'Expired') || isStatusError(error, 'Gone')) {
            last = undefined;
            relists += 1;
          }
          setTimeout(watch, retryMs);
        },
      },
    );
  }

  watch();
  return {
    get sessions() {
      return sessions;
    },
    get relists() {
      return relists;
    },
    stop() {
      isOver = true;
      stop();
    },
  };
}
