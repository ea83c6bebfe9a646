/** A hollow kubelet against an API in memory, on virtual time; for tests. */
import type { Pod, PodSpec } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import { createSeededRandom, createVirtualTime, type VirtualTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import type { ApiClient } from '@periplus/client/api-client';
import { createFakeApiClient, type FakeApiClient } from '@periplus/client/api-client/testing';
import { createHollowKubelet, type HollowKubelet, type HollowKubeletOptions } from './hollow-kubelet.js';

export const podsTarget = { group: '', version: 'v1', resource: 'pods', namespace: 'default' };

export interface KubeletHarness {
  readonly time: VirtualTime;
  readonly api: FakeApiClient;
  /** The present kubelet; another one after `restartKubelet`. */
  kubelet(): HollowKubelet;
  /** Kills the kubelet and starts another on the same runtime. */
  restartKubelet(): Promise<void>;
  /** Lets everything happen that happens within `ms`. */
  run(ms: number): Promise<void>;
  createPod(name: string, spec: Partial<PodSpec>, metadata?: Pod['metadata']): Promise<Pod>;
  pod(name: string): Pod | undefined;
  events(reason: string): readonly { readonly message?: string; readonly count?: number }[];
  stop(): void;
}

export interface KubeletHarnessOptions
  extends Pick<HollowKubeletOptions, 'judge' | 'exec' | 'startMs' | 'stopMs' | 'staticPods'> {
  /** Resolves when all that is ready to run has run: one real macrotask. */
  turn(): Promise<void>;
}

type Conditions = readonly { readonly type: string }[];

/** The fake knows no strategic patches; those of a kubelet are few enough to be said as merge patches. */
export function withStrategicPatches(api: FakeApiClient): ApiClient {
  return {
    ...api,
    async patch<T extends KubeObject>(...[target, type, patch, context]: Parameters<ApiClient['patch']>) {
      if (type !== 'strategic') return api.patch<T>(target, type, patch, context);
      const { status, ...rest } = patch as { status: Record<string, unknown> };
      const before = (await api.get<Pod>(target)).status?.conditions ?? [];
      const own = (status.conditions ?? []) as Conditions;
      const others = before.filter((condition) => !own.some((candidate) => candidate.type === condition.type));
      const lists = Object.fromEntries(
        Object.entries(status).map(([key, value]) => [
          key,
          Array.isArray(value) ? value.filter((item) => !Object.hasOwn(item as object, '$patch')) : value,
        ]),
      );
      return api.patch<T>(target, 'merge', { ...rest, status: { ...lists, conditions: [...others, ...own] } }, context);
    },
  };
}

export function createKubeletHarness(options: KubeletHarnessOptions, seed = 1): KubeletHarness {
  const { turn, ...hollow } = options;
  const time = createVirtualTime(Date.UTC(2026, 0, 1));
  const random = createSeededRandom(seed);
  const api = createFakeApiClient({ time });
  const client = withStrategicPatches(api);
  const build = (runtime?: HollowKubelet['runtime']): HollowKubelet =>
    createHollowKubelet({
      client,
      nodeName: 'node-1',
      address: '10.1.0.2',
      podCidr: '10.244.0.0/24',
      time,
      random,
      logger: silentLogger,
      ...hollow,
      ...(runtime ? { runtime } : {}),
    });
  let kubelet = build();
  kubelet.start();

  const harness: KubeletHarness = {
    time,
    api,
    kubelet: () => kubelet,
    async restartKubelet() {
      kubelet.stop();
      kubelet = build(kubelet.runtime);
      kubelet.start();
      await turn();
    },
    async run(ms) {
      const end = time.monotonic() + ms;
      await turn();
      for (let due = time.nextDueMs(); due !== undefined && due <= end; due = time.nextDueMs()) {
        time.runNext();
        await turn();
      }
      time.advance(end - time.monotonic());
      await turn();
    },
    async createPod(name, spec, metadata = {}) {
      const pod: Pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default', ...metadata },
        spec: { containers: [{ name: 'main', image: 'busybox:1' }], nodeName: 'node-1', ...spec },
      };
      return api.create<Pod>(podsTarget, pod);
    },
    pod: (name) => api.objects<Pod>(podsTarget).find((pod) => pod.metadata?.name === name),
    events: (reason) =>
      api
        .objects<KubeObject & { reason?: string; message?: string; count?: number }>({ group: '', resource: 'events' })
        .filter((event) => event.reason === reason),
    stop: () => kubelet.stop(),
  };
  return harness;
}
