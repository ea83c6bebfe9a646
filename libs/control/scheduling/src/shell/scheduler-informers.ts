/** The local copies of everything a scheduling decision looks at. */
import type {
  Namespace,
  Node,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  Service,
  StatefulSet,
} from '@periplus/api/kinds';
import type { GroupVersionResource, KubeObject } from '@periplus/api/meta';
import type { Random, Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient } from '@periplus/client/api-client';
import { createInformer, type Informer } from '@periplus/client/informer';

export interface SchedulerInformers {
  /** Those that have not ended. */
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  readonly namespaces: Informer<Namespace>;
  readonly services: Informer<Service>;
  readonly replicationControllers: Informer<ReplicationController>;
  readonly replicaSets: Informer<ReplicaSet>;
  readonly statefulSets: Informer<StatefulSet>;
  readonly disruptionBudgets: Informer<PodDisruptionBudget>;
  start(): void;
  stop(): void;
  hasSynced(): boolean;
  /** Resolves true when all have synced, false when they were stopped before. */
  whenSynced(): Promise<boolean>;
}

export interface SchedulerInformersOptions {
  readonly client: ApiClient;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** Freezes what comes in; for tests. */
  readonly freeze?: boolean;
}

const resource = (group: string, version: string, name: string): GroupVersionResource => ({
  group,
  version,
  resource: name,
});

export function createSchedulerInformers(options: SchedulerInformersOptions): SchedulerInformers {
  const of = <T extends KubeObject>(target: GroupVersionResource, fieldSelector?: string): Informer<T> =>
    createInformer<T>({
      ...options,
      target: { ...target, namespace: '' },
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    });
  const informers = {
    pods: of<Pod>(resource('', 'v1', 'pods'), 'status.phase!=Succeeded,status.phase!=Failed'),
    nodes: of<Node>(resource('', 'v1', 'nodes')),
    namespaces: of<Namespace>(resource('', 'v1', 'namespaces')),
    services: of<Service>(resource('', 'v1', 'services')),
    replicationControllers: of<ReplicationController>(resource('', 'v1', 'replicationcontrollers')),
    replicaSets: of<ReplicaSet>(resource('apps', 'v1', 'replicasets')),
    statefulSets: of<StatefulSet>(resource('apps', 'v1', 'statefulsets')),
    disruptionBudgets: of<PodDisruptionBudget>(resource('policy', 'v1', 'poddisruptionbudgets')),
  };
  const all = Object.values(informers);
  return {
    ...informers,
    start() {
      for (const informer of all) informer.start();
    },
    stop() {
      for (const informer of all) informer.stop();
    },
    hasSynced: () => all.every((informer) => informer.hasSynced()),
    async whenSynced() {
      const synced = await Promise.all(all.map((informer) => informer.whenSynced()));
      return synced.every(Boolean);
    },
  };
}
