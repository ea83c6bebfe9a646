/** Puts the controller-manager together: informers that always run, and controllers that run while it leads. */
import { builtinSchema } from '@periplus/api/kinds';
import type { Random, Time } from '@periplus/base/clock';
import { withDeadline } from '@periplus/base/stdx';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient } from '@periplus/client/api-client';
import { createLeaderElection, fenceWrites } from '@periplus/client/reconcile';
import {
  createSharedInformers,
  type RunningControllers,
  startControllers,
  sweptResources,
} from '@periplus/control/controllers';
import { Gauge, type Registry } from 'prom-client';

export interface ControllerManagerParts {
  readonly client: ApiClient;
  readonly identity: string;
  /** PEM. */
  readonly rootCa?: string;
  readonly clusterCidr?: string;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  readonly registry: Registry;
  /** The leadership was lost: the process should end. */
  onLost(reason: string): void;
}

export interface ControllerManager {
  start(): void;
  /** Throws while the caches are not complete. */
  checkHealth(): void;
  /** Ends the work under way and lets go of the leadership. */
  stop(): Promise<void>;
}

const ELECTION = 'kube-controller-manager';
/** What is under way at the end has so long; the rest is done by who leads next. */
const STOP_MS_MAX = 5_000;

export function createControllerManager(parts: ControllerManagerParts): ControllerManager {
  const { client, time, random, logger, registry } = parts;
  const informers = createSharedInformers({ client, time, random, logger });
  /** Warm before this process leads, so that it acts at once when it does. */
  for (const resource of sweptResources(builtinSchema)) if (resource.resource !== 'events') informers.of(resource);
  let controllers: RunningControllers | undefined;

  const election = createLeaderElection({
    client,
    time,
    random,
    logger,
    election: ELECTION,
    identity: parts.identity,
    onStartedLeading(leadership) {
      controllers = startControllers({
        client: fenceWrites(client, leadership),
        eventClient: client,
        informers,
        time,
        random,
        logger,
        ...(parts.rootCa === undefined ? {} : { rootCa: parts.rootCa }),
        ...(parts.clusterCidr === undefined ? {} : { clusterCidr: parts.clusterCidr }),
      });
    },
    onLost: parts.onLost,
  });

  new Gauge({
    name: 'leader_election_master_status',
    help: 'Whether this process leads.',
    labelNames: ['name'],
    registers: [registry],
    collect() {
      this.set({ name: ELECTION }, election.isLeading() ? 1 : 0);
    },
  });
  new Gauge({
    name: 'workqueue_depth',
    help: 'Keys that wait, by controller.',
    labelNames: ['name'],
    registers: [registry],
    collect() {
      for (const [name, depth] of Object.entries(controllers?.backlog() ?? {})) this.set({ name }, depth);
    },
  });

  return {
    start() {
      informers.start();
      election.start();
    },
    checkHealth() {
      if (!informers.hasSynced()) throw new Error('the caches are not complete yet');
    },
    async stop() {
      try {
        if (controllers !== undefined)
          await withDeadline(time, STOP_MS_MAX, 'ending the controllers', controllers.stop());
      } catch (error) {
        logger.warn('work was cut short', { error });
      }
      await election.stop();
      informers.stop();
    },
  };
}
