/** A user at work: makes, scales, updates and deletes Deployments, and writes ConfigMaps against each other, all from the seed. */
import type { Deployment } from '@periplus/api/kinds';
import { isStatusError, type KubeObject, parseResourceVersion } from '@periplus/api/meta';
import type { Random, Time } from '@periplus/base/clock';
import type { ApiClient, ObjectTarget, WriteContext } from '@periplus/client/api-client';
import type { Acknowledged } from './checkers/history-checks.js';

export interface Traffic {
  readonly acknowledged: readonly Acknowledged[];
  readonly requestIds: ReadonlySet<string>;
  /** No further work is begun; resolves when what is under way has ended. */
  stop(): Promise<void>;
}

const deployments = { group: 'apps', version: 'v1', resource: 'deployments', namespace: 'default' };
const configMaps = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' };
const deploymentNames = ['a', 'b', 'c'];
const mapNames = ['x', 'y'];

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

export function startTraffic(client: ApiClient, writers: number, time: Time, random: Random): Traffic {
  const acknowledged: Acknowledged[] = [];
  const requestIds = new Set<string>();
  let stopped = false;

  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)]!;
  const delay = (ms: number): Promise<void> => new Promise((resolve) => void time.after(ms, resolve));

  /** Refusals are part of the game; what was acknowledged is remembered. */
  async function attempt(
    what: string,
    write: (context: WriteContext) => Promise<KubeObject>,
    writesAlways: boolean,
  ): Promise<void> {
    const requestId = Buffer.from(random.bytes(8)).toString('hex');
    requestIds.add(requestId);
    try {
      const object = await write({ requestId });
      const revision = parseResourceVersion(object.metadata?.resourceVersion ?? '');
      if (writesAlways && revision !== undefined) acknowledged.push({ requestId, revision, what });
    } catch (error) {
      const expected = isStatusError(error) || (error as { code?: unknown }).code === 'UNAVAILABLE';
      if (!expected) throw error;
    }
  }

  async function work(): Promise<void> {
    const name = pick(deploymentNames);
    const target: ObjectTarget = { ...deployments, name };
    const map: ObjectTarget = { ...configMaps, name: pick(mapNames) };
    const replicas = Math.floor(random.next() * 5);
    switch (Math.floor(random.next() * 8)) {
      case 0:
      case 1:
        return attempt(
          `create ${name}`,
          (context) => client.create(deployments, deploymentOf(name, replicas, 'image:1'), context),
          true,
        );
      case 2:
        return attempt(
          `scale ${name}`,
          (context) => client.patch(target, 'merge', { spec: { replicas } }, context),
          false,
        );
      case 3: {
        const patch = {
          spec: {
            template: { spec: { containers: [{ name: 'main', image: `image:${1 + Math.floor(random.next() * 9)}` }] } },
          },
        };
        return attempt(`update ${name}`, (context) => client.patch(target, 'strategic', patch, context), false);
      }
      case 4:
        if (random.next() < 0.5) return;
        return attempt(
          `delete ${name}`,
          (context) => client.delete(target, { ...context, propagationPolicy: 'Background' }),
          false,
        );
      default: {
        const data = { at: String(time.now()), by: Buffer.from(random.bytes(4)).toString('hex') };
        const object = {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: map.name, namespace: 'default' },
          data,
        };
        if (random.next() < 0.4)
          return attempt(`create ${map.name}`, (context) => client.create(configMaps, object, context), true);
        return attempt(`update ${map.name}`, (context) => client.patch(map, 'merge', { data }, context), true);
      }
    }
  }

  const loops = Array.from({ length: writers }, async () => {
    while (!stopped) {
      await delay(50 + random.next() * 800);
      if (!stopped) await work();
    }
  });
  return {
    acknowledged,
    requestIds,
    async stop() {
      stopped = true;
      await Promise.all(loops);
    },
  };
}
