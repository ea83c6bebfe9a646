/** Users who write: make, scale, update and delete Deployments, and write ConfigMaps against each other, all from the seed. */
import type { ConfigMap, Deployment } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import type { Random, Time } from '@periplus/base/clock';
import type { ObjectTarget, TransactingClient } from '@periplus/client/api-client';
import { configMaps, deploymentNames, deployments, mapNames, tiers } from './traffic-targets.js';

export interface Traffic {
  /** No further work is begun; resolves when what is under way has ended. */
  stop(): Promise<void>;
}

function deploymentOf(name: string, replicas: number, image: string): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image }] } },
    },
  };
}

/** Refusals and lost answers are part of the game; they are in the journal. */
export async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const expected = isStatusError(error) || (error as { code?: unknown }).code === 'UNAVAILABLE';
    if (!expected) throw error;
  }
}

/** Runs `work` again and again after pauses of `minMs` to `maxMs`. */
export function startLoop(
  work: () => Promise<void>,
  pause: { readonly minMs: number; readonly maxMs: number },
  time: Time,
  random: Random,
): Traffic {
  let stopped = false;
  const delay = (ms: number): Promise<void> => new Promise((resolve) => void time.after(ms, resolve));
  const loop = (async () => {
    while (!stopped) {
      await delay(pause.minMs + random.next() * (pause.maxMs - pause.minMs));
      if (!stopped) await work();
    }
  })();
  return {
    stop() {
      stopped = true;
      return loop;
    },
  };
}

export function startWriter(client: TransactingClient, time: Time, random: Random): Traffic {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)]!;

  /** New content under a label that watches select by; some ConfigMaps have none. */
  function contentOf(): Pick<ConfigMap, 'data'> & { metadata: { labels: Record<string, string> } } {
    const tier = pick(tiers);
    return {
      metadata: { labels: tier === '' ? {} : { tier } },
      data: { at: String(time.now()), by: Buffer.from(random.bytes(4)).toString('hex') },
    };
  }

  async function workOnMap(): Promise<void> {
    const map: ObjectTarget = { ...configMaps, name: pick(mapNames) };
    const { metadata, data } = contentOf();
    const object = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...metadata, name: map.name, namespace: 'default' },
      data,
    };
    const dice = random.next();
    if (dice < 0.35) return attempt(() => client.create(configMaps, object));
    if (dice < 0.6) {
      const labels = { tier: metadata.labels['tier'] ?? null };
      return attempt(() => client.patch(map, 'merge', { metadata: { labels }, data }));
    }
    if (dice < 0.7) return attempt(() => client.delete(map));
    // Read, change, and write if nobody else was first.
    return attempt(async () => {
      const current = await client.get<ConfigMap>(map);
      const { resourceVersion } = current.metadata ?? {};
      await client.update(map, { ...object, metadata: { ...object.metadata, resourceVersion } } as ConfigMap);
    });
  }

  /** Both maps at once: no reader may see the one without the other. */
  function workOnBoth(): Promise<void> {
    const { data } = contentOf();
    return attempt(() =>
      client.transact(
        mapNames.map((name) => {
          const map: ObjectTarget = { ...configMaps, name };
          const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data };
          if (random.next() < 0.1) return { verb: 'delete', target: map };
          return { verb: 'patch', target: map, type: 'apply', patch: object, force: true };
        }),
        { fieldManager: 'both' },
      ),
    );
  }

  function work(): Promise<void> {
    const name = pick(deploymentNames);
    const target: ObjectTarget = { ...deployments, name };
    const replicas = Math.floor(random.next() * 5);
    switch (Math.floor(random.next() * 9)) {
      case 0:
      case 1:
        return attempt(() => client.create(deployments, deploymentOf(name, replicas, 'image:1')));
      case 2:
        return attempt(() => client.patch(target, 'merge', { spec: { replicas } }));
      case 3: {
        const image = `image:${1 + Math.floor(random.next() * 9)}`;
        const patch = { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } };
        return attempt(() => client.patch(target, 'strategic', patch));
      }
      case 4:
        if (random.next() < 0.5) return Promise.resolve();
        return attempt(() => client.delete(target, { propagationPolicy: 'Background' }));
      case 5:
        return workOnBoth();
      default:
        return workOnMap();
    }
  }

  return startLoop(work, { minMs: 50, maxMs: 850 }, time, random);
}
