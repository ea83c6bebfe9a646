/** One informer a resource, shared by all controllers of a process; started together, before anyone leads. */
import type {
  ClusterRole,
  ConfigMap,
  ControllerRevision,
  CronJob,
  DaemonSet,
  Deployment,
  Endpoints,
  EndpointSlice,
  Job,
  Lease,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  ResourceQuota,
  Service,
  ServiceAccount,
  StatefulSet,
} from '@periplus/api/kinds';
import type { GroupVersionResource, KubeObject } from '@periplus/api/meta';
import type { Random, Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient } from '@periplus/client/api-client';
import { createInformer, type Indexers, type Informer } from '@periplus/client/informer';
import { byControllerUid } from './controller-ref.js';
import * as resources from './resources.js';

export interface SharedInformersOptions {
  readonly client: ApiClient;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** Freezes what comes in; for tests. */
  readonly freeze?: boolean;
}

/** Index names used with `byIndex`. */
export const BY_CONTROLLER = 'controller';
export const BY_NODE = 'node';
export const BY_SERVICE = 'service';

export interface SharedInformers {
  readonly clusterRoles: Informer<ClusterRole>;
  readonly configMaps: Informer<ConfigMap>;
  readonly controllerRevisions: Informer<ControllerRevision>;
  readonly cronJobs: Informer<CronJob>;
  readonly daemonSets: Informer<DaemonSet>;
  readonly deployments: Informer<Deployment>;
  readonly endpoints: Informer<Endpoints>;
  readonly endpointSlices: Informer<EndpointSlice>;
  readonly jobs: Informer<Job>;
  readonly nodeLeases: Informer<Lease>;
  readonly namespaces: Informer<Namespace>;
  readonly nodes: Informer<Node>;
  readonly persistentVolumes: Informer<PersistentVolume>;
  readonly persistentVolumeClaims: Informer<PersistentVolumeClaim>;
  readonly podDisruptionBudgets: Informer<PodDisruptionBudget>;
  readonly pods: Informer<Pod>;
  readonly replicaSets: Informer<ReplicaSet>;
  readonly replicationControllers: Informer<ReplicationController>;
  readonly resourceQuotas: Informer<ResourceQuota>;
  readonly serviceAccounts: Informer<ServiceAccount>;
  readonly services: Informer<Service>;
  readonly statefulSets: Informer<StatefulSet>;
  /** The informer of any resource over all namespaces, the same one for the same resource. */
  of(resource: GroupVersionResource): Informer<KubeObject>;
  start(): void;
  stop(): void;
  /** Those made so far. */
  hasSynced(): boolean;
}

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

export function createSharedInformers(options: SharedInformersOptions): SharedInformers {
  const made = new Map<string, Informer<KubeObject>>();
  let started = false;

  function make<T extends KubeObject>(
    resource: GroupVersionResource,
    indexers: Indexers<T> = {},
    namespace = '',
  ): Informer<T> {
    const informer = createInformer<T>({ ...options, target: { ...resource, namespace }, indexers });
    made.set(`${resource.group}/${resource.resource}/${namespace}`, informer as unknown as Informer<KubeObject>);
    return informer;
  }

  const owned = { [BY_CONTROLLER]: byControllerUid };
  return {
    clusterRoles: make<ClusterRole>(resources.clusterRoles),
    configMaps: make<ConfigMap>(resources.configMaps),
    controllerRevisions: make<ControllerRevision>(resources.controllerRevisions, owned),
    cronJobs: make<CronJob>(resources.cronJobs),
    daemonSets: make<DaemonSet>(resources.daemonSets),
    deployments: make<Deployment>(resources.deployments),
    endpoints: make<Endpoints>(resources.endpoints),
    endpointSlices: make<EndpointSlice>(resources.endpointSlices, {
      [BY_SERVICE]: ({ metadata }) => {
        const service = metadata?.labels?.[SERVICE_NAME_LABEL];
        return service === undefined ? [] : [`${metadata?.namespace}/${service}`];
      },
    }),
    jobs: make<Job>(resources.jobs, owned),
    nodeLeases: make<Lease>(resources.leases, {}, 'kube-node-lease'),
    namespaces: make<Namespace>(resources.namespaces),
    nodes: make<Node>(resources.nodes),
    persistentVolumes: make<PersistentVolume>(resources.persistentVolumes),
    persistentVolumeClaims: make<PersistentVolumeClaim>(resources.persistentVolumeClaims),
    podDisruptionBudgets: make<PodDisruptionBudget>(resources.podDisruptionBudgets),
    pods: make<Pod>(resources.pods, {
      ...owned,
      [BY_NODE]: ({ spec }) => (spec?.nodeName === undefined || spec.nodeName === '' ? [] : [spec.nodeName]),
    }),
    replicaSets: make<ReplicaSet>(resources.replicaSets, owned),
    replicationControllers: make<ReplicationController>(resources.replicationControllers),
    resourceQuotas: make<ResourceQuota>(resources.resourceQuotas),
    serviceAccounts: make<ServiceAccount>(resources.serviceAccounts),
    services: make<Service>(resources.services),
    statefulSets: make<StatefulSet>(resources.statefulSets),
    of(resource) {
      const known = made.get(`${resource.group}/${resource.resource}/`);
      if (known !== undefined) return known;
      const informer = make<KubeObject>(resource);
      if (started) informer.start();
      return informer;
    },
    start() {
      started = true;
      for (const informer of made.values()) informer.start();
    },
    stop() {
      for (const informer of made.values()) informer.stop();
    },
    hasSynced: () => [...made.values()].every((informer) => informer.hasSynced()),
  };
}
