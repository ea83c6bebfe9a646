/** All controllers of the controller-manager, over one set of informers. */
import { builtinSchema, type SchemaTable } from '@periplus/api/kinds';
import type { Random, Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient } from '@periplus/client/api-client';
import { type Controller, createEventRecorder } from '@periplus/client/reconcile';
import { createClusterRoleAggregationController } from './cluster-role-aggregation/controller.js';
import { createCronJobController } from './cronjob/controller.js';
import { createDaemonSetController } from './daemonset/controller.js';
import { createDeploymentController } from './deployment/controller.js';
import { createDisruptionController } from './disruption/controller.js';
import { createStaleConditionController } from './disruption/stale-condition-controller.js';
import { createEndpointSliceMirroringController } from './endpoint-slice-mirroring/controller.js';
import { createEndpointSliceController } from './endpoint-slice/controller.js';
import { createEndpointsController } from './endpoints/controller.js';
import { createGarbageCollector } from './garbage-collector/controller.js';
import { createJobController } from './job/controller.js';
import { createJobOrphanController } from './job/orphan-controller.js';
import { createNamespaceController } from './namespace/controller.js';
import { createNodeIpamController } from './node-ipam/controller.js';
import { createNodeLifecycleController } from './node-lifecycle/controller.js';
import { createPodGarbageController } from './pod-garbage/controller.js';
import { createReplicaSetController, createReplicationControllerController } from './replicaset/controller.js';
import { createResourceQuotaController } from './resource-quota/controller.js';
import { createRootCaController } from './root-ca/controller.js';
import { createServiceAccountController } from './service-account/controller.js';
import type { ControllerContext } from './shared/controller-context.js';
import { sweptResources } from './shared/served-resources.js';
import type { SharedInformers } from './shared/shared-informers.js';
import { createStatefulSetController } from './statefulset/controller.js';
import { createClaimProtectionController } from './storage-protection/claim-controller.js';
import { createVolumeProtectionController } from './storage-protection/volume-controller.js';
import { createTaintEvictionController } from './taint-eviction/controller.js';
import { createTtlAfterFinishedController } from './ttl-after-finished/controller.js';

export interface StartControllersOptions {
  /** Every write goes through it: give it the leadership's fence. */
  readonly client: ApiClient;
  /** For Events, which are no part of the state: they need no fence. */
  readonly eventClient: ApiClient;
  /** Started by the caller, who also stops them. */
  readonly informers: SharedInformers;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** PEM of the CA that pods trust; nothing is published without. */
  readonly rootCa?: string;
  /** The pods' range; nodes get none from it without. */
  readonly clusterCidr?: string;
  /** The kinds that are swept and collected; the built-in ones by default. */
  readonly schema?: SchemaTable;
}

export interface RunningControllers {
  /** Resolves when what was under way is over. */
  stop(): Promise<void>;
  /** Keys that wait, by controller. */
  backlog(): Readonly<Record<string, number>>;
}

export function startControllers(options: StartControllersOptions): RunningControllers {
  const { client, time, random, logger, informers } = options;
  const context: ControllerContext = {
    client,
    informers,
    events: (component) => createEventRecorder({ client: options.eventClient, time, random, logger, component }),
    time,
    random,
    logger,
  };
  const schema = options.schema ?? builtinSchema;
  const swept = sweptResources(schema);
  const controllers: Controller[] = [
    createDeploymentController(context),
    createReplicaSetController(context),
    createReplicationControllerController(context),
    createDaemonSetController(context),
    createStatefulSetController(context),
    createCronJobController(context),
    createJobController(context),
    createJobOrphanController(context),
    createTtlAfterFinishedController(context),
    createDisruptionController(context, schema),
    createStaleConditionController(context),
    createEndpointSliceController(context),
    createEndpointSliceMirroringController(context),
    createEndpointsController(context),
    createNamespaceController(context, swept),
    createServiceAccountController(context),
    createResourceQuotaController(context, schema),
    createNodeLifecycleController(context),
    createTaintEvictionController(context),
    createPodGarbageController(context),
    createClaimProtectionController(context),
    createVolumeProtectionController(context),
    createClusterRoleAggregationController(context),
    createGarbageCollector(context, swept),
    ...(options.rootCa === undefined ? [] : [createRootCaController(context, options.rootCa)]),
    ...(options.clusterCidr === undefined ? [] : [createNodeIpamController(context, options.clusterCidr)]),
  ];
  for (const controller of controllers) controller.start();
  return {
    async stop() {
      await Promise.all(controllers.map((controller) => controller.stop()));
    },
    backlog: () => Object.fromEntries(controllers.map((controller) => [controller.name, controller.backlog])),
  };
}
