/** Users who read: gets and lists of every freshness, whole and in pages, of the present and of a moment ago. */
import type { Random, Time } from '@periplus/base/clock';
import type { ApiClient, ListOptions, ResourceTarget } from '@periplus/client/api-client';
import { attempt, startLoop, type Traffic } from './traffic.js';
import { configMaps, deploymentNames, deployments, everywhere, mapNames, pods } from './traffic-targets.js';

const pagesMax = 20;

export function startReader(client: ApiClient, time: Time, random: Random): Traffic {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)]!;
  /** Of the last whole list. */
  let lastRevision: string | undefined;

  async function list(target: ResourceTarget, options: ListOptions): Promise<void> {
    lastRevision = (await client.list(target, options)).resourceVersion;
  }

  async function listInPages(target: ResourceTarget, limit: number): Promise<void> {
    let token: string | undefined;
    for (let page = 0; page < pagesMax; page++) {
      const { continue: next } = await client.list(target, {
        limit,
        ...(token === undefined ? {} : { continue: token }),
      });
      if (next === undefined || next === '') return;
      token = next;
    }
  }

  function read(): Promise<void> {
    const isMap = random.next() < 0.6;
    const target = isMap ? configMaps : deployments;
    const object = { ...target, name: pick(isMap ? mapNames : deploymentNames) };
    const dice = Math.floor(random.next() * 10);
    switch (dice) {
      case 0:
      case 1:
      case 2:
        return attempt(() => client.get(object));
      case 3:
        return attempt(() => client.get(object, { resourceVersion: '0' }));
      case 4:
        return attempt(() => list(target, {}));
      case 5:
        return attempt(() => list(everywhere(pods), pick([{}, { labelSelector: 'app=a' }, { resourceVersion: '0' }])));
      case 6:
        return attempt(() =>
          list(target, isMap ? { labelSelector: 'tier in (gold,silver)' } : { fieldSelector: 'metadata.name=a' }),
        );
      case 7:
        return attempt(() => listInPages(pods, 2));
      case 8:
        return attempt(() => client.get(object, { at: lastRevision ?? '1s' }));
      default: {
        if (lastRevision === undefined) return Promise.resolve();
        const resourceVersionMatch = pick(['Exact', 'NotOlderThan'] as const);
        return attempt(() => list(target, { resourceVersion: lastRevision!, resourceVersionMatch }));
      }
    }
  }

  return startLoop(() => read(), { minMs: 100, maxMs: 900 }, time, random);
}
