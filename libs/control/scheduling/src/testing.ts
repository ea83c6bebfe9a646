/** A scheduler over the fake client and virtual time, and short ways to write nodes and pods down. */
import type { Node, Pod, PodCondition } from '@periplus/api/kinds';
import type { GroupVersionResource, KubeObject, Labels, LabelSelector } from '@periplus/api/meta';
import { createSeededRandom, createVirtualTime, type VirtualTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import type { ApiClient, ObjectTarget } from '@periplus/client/api-client';
import { createFakeApiClient, type FakeApiClient } from '@periplus/client/api-client/testing';
import { createEventRecorder } from '@periplus/client/reconcile';
import { settle } from '@periplus/client/reconcile/testing';
import { createNominations } from './cycle/nominations.js';
import { type SchedulingContext, schedulePod } from './cycle/schedule-pod.js';
import { createShapeViews } from './cycle/shape-views.js';
import { type PodInfo, toPodInfo } from './pod/pod-info.js';
import { createScheduler, type Scheduler } from './shell/scheduler.js';
import { createSchedulerInformers, type SchedulerInformers } from './shell/scheduler-informers.js';
import type { AttemptResult } from './shell/scheduler-observer.js';
import { createClusterState } from './state/cluster-state.js';

export interface NodeSketch {
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: string;
  readonly labels?: Record<string, string>;
  readonly spec?: Node['spec'];
  /** More of `status.allocatable`. */
  readonly extended?: Record<string, string>;
  readonly images?: NonNullable<Node['status']>['images'];
}

/** A node as its kubelet would describe it: 4 cpus, 32Gi and 110 pods unless said otherwise. */
export function sketchNode(name: string, sketch: NodeSketch = {}): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...sketch.labels } },
    spec: { ...sketch.spec },
    status: {
      allocatable: {
        cpu: sketch.cpu ?? '4',
        memory: sketch.memory ?? '32Gi',
        pods: sketch.pods ?? '110',
        'ephemeral-storage': '100Gi',
        ...sketch.extended,
      },
      ...(sketch.images === undefined ? {} : { images: sketch.images }),
    },
  };
}

export interface PodSketch {
  readonly namespace?: string;
  readonly labels?: Record<string, string>;
  readonly requests?: Record<string, string>;
  readonly spec?: Partial<NonNullable<Pod['spec']>>;
  readonly metadata?: Partial<NonNullable<Pod['metadata']>>;
  readonly status?: Pod['status'];
}

/** A pod of one container as the server would store it. */
export function sketchPod(name: string, sketch: PodSketch = {}): Pod {
  const resources = sketch.requests === undefined ? {} : { resources: { requests: sketch.requests } };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: sketch.namespace ?? 'default',
      uid: `uid-of-${name}`,
      ...(sketch.labels === undefined ? {} : { labels: sketch.labels }),
      ...sketch.metadata,
    },
    spec: {
      schedulerName: 'default-scheduler',
      containers: [{ name: 'main', image: 'busybox', ...resources }],
      ...sketch.spec,
    },
    ...(sketch.status === undefined ? {} : { status: sketch.status }),
  };
}

export interface ClusterSketch {
  readonly nodes?: readonly Node[];
  /** By the node each is on. */
  readonly placed?: Readonly<Record<string, readonly Pod[]>>;
  readonly namespaces?: Readonly<Record<string, Labels>>;
  readonly defaultSpread?: LabelSelector;
  readonly seed?: number;
}

/** The core without its shell: decisions over a cluster as sketched. */
export interface CoreHarness {
  readonly context: SchedulingContext;
  info(pod: Pod): PodInfo;
  /** The node's name, or why there is none. */
  decide(pod: Pod): string;
  /** Decides and counts the pod on its node. */
  place(pod: Pod): string;
}

export function createCoreHarness(sketch: ClusterSketch): CoreHarness {
  const state = createClusterState();
  const context: SchedulingContext = {
    state,
    views: createShapeViews(state),
    nominations: createNominations(),
    random: createSeededRandom(sketch.seed ?? 1),
    defaultSpreadSelector: () => sketch.defaultSpread,
  };
  const info = (pod: Pod): PodInfo => toPodInfo(pod, state.resources);
  for (const [name, labels] of Object.entries(sketch.namespaces ?? {})) state.setNamespace(name, labels);
  for (const node of sketch.nodes ?? []) state.setNode(node);
  for (const [nodeName, pods] of Object.entries(sketch.placed ?? {}))
    for (const pod of pods) state.addPod(nodeName, info(pod));

  function decide(pod: Pod): string {
    const result = schedulePod(info(pod), context);
    return result.kind === 'placed' ? result.nodeName : result.message;
  }
  return {
    context,
    info,
    decide,
    place(pod) {
      const result = schedulePod(info(pod), context);
      if (result.kind === 'unfit') return result.message;
      state.addPod(result.nodeName, info(pod));
      return result.nodeName;
    },
  };
}

export interface SchedulerHarness {
  readonly time: VirtualTime;
  readonly client: FakeApiClient;
  readonly informers: SchedulerInformers;
  readonly scheduler: Scheduler;
  readonly attempts: AttemptResult[];
  create(resource: GroupVersionResource, object: KubeObject): Promise<void>;
  createNodes(...nodes: readonly Node[]): Promise<void>;
  /** In the order given. */
  createPods(...pods: readonly Pod[]): Promise<void>;
  pass(durationMs: number): Promise<void>;
  pod(name: string): Pod | undefined;
  /** Pod names to node names; '' for those that have none. */
  placements(): Record<string, string>;
  condition(name: string): PodCondition | undefined;
  /** `Reason message`, oldest first. */
  eventTexts(): string[];
}

export const podsResource: GroupVersionResource = { group: '', version: 'v1', resource: 'pods' };
export const nodesResource: GroupVersionResource = { group: '', version: 'v1', resource: 'nodes' };

type WithConditions = KubeObject & { status?: { conditions?: PodCondition[] } };

/** The fake takes no strategic patches: conditions are merged by type here, as the server would. */
function withStrategicPatches(fake: FakeApiClient): ApiClient {
  return {
    ...fake,
    async patch(target: ObjectTarget, type, patch, context) {
      if (type !== 'strategic') return fake.patch(target, type, patch, context);
      const body = patch as WithConditions;
      const sent = body.status?.conditions;
      if (sent === undefined) return fake.patch(target, 'merge', body, context);
      const current = fake
        .objects<WithConditions>(target)
        .find(({ metadata }) => metadata?.name === target.name && metadata?.namespace === target.namespace);
      const kept = (current?.status?.conditions ?? []).filter(
        (old) => !sent.some(({ type: name }) => name === old.type),
      );
      const merged = { ...body, status: { ...body.status, conditions: [...kept, ...sent] } };
      return fake.patch(target, 'merge', merged, context);
    },
  };
}

export interface SchedulerHarnessOptions {
  readonly seed?: number;
  readonly watchDelayMs?: number;
}

export function createSchedulerHarness(options: SchedulerHarnessOptions = {}): SchedulerHarness {
  const time = createVirtualTime(Date.UTC(2026, 0, 1));
  const random = createSeededRandom(options.seed ?? 1);
  const fake = createFakeApiClient({ time, watchDelayMs: options.watchDelayMs ?? 1 });
  const client = withStrategicPatches(fake);
  const common = { client, time, random, logger: silentLogger };
  const informers = createSchedulerInformers({ ...common, freeze: true });
  const recorder = createEventRecorder({ ...common, component: 'default-scheduler' });
  const attempts: AttemptResult[] = [];
  const observer = { attempted: (result: AttemptResult) => void attempts.push(result), bound: () => undefined };
  const scheduler = createScheduler({ ...common, informers, recorder, observer });
  informers.start();
  scheduler.start();

  const pods = (): Pod[] => fake.objects<Pod>(podsResource);
  const pod = (name: string): Pod | undefined => pods().find(({ metadata }) => metadata?.name === name);

  async function create(resource: GroupVersionResource, object: KubeObject): Promise<void> {
    const target = { ...resource, namespace: object.metadata?.namespace ?? '' };
    await client.create(target, object);
    const { status } = object as WithConditions;
    const name = object.metadata?.name ?? '';
    if (status !== undefined) await client.patch({ ...target, name, subresource: 'status' }, 'merge', { status });
  }

  return {
    time,
    client: fake,
    informers,
    scheduler,
    attempts,
    create,
    async createNodes(...nodes) {
      for (const node of nodes) await create(nodesResource, node);
    },
    async createPods(...created) {
      for (const each of created) await create(podsResource, each);
    },
    pass: (durationMs) => settle(time, durationMs, 10),
    pod,
    placements: () => Object.fromEntries(pods().map(({ metadata, spec }) => [metadata?.name, spec?.nodeName ?? ''])),
    condition: (name) => pod(name)?.status?.conditions?.find(({ type }) => type === 'PodScheduled'),
    eventTexts: () =>
      fake
        .objects<KubeObject & { reason?: string; message?: string }>({ group: '', resource: 'events' })
        .map(({ reason, message }) => `${reason} ${message}`),
  };
}
