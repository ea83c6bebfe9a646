/** Puts the scheduler together: informers that always run, and scheduling that runs while this process leads. */
import type { Random, Time } from '@periplus/base/clock';
import { withDeadline } from '@periplus/base/stdx';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient } from '@periplus/client/api-client';
import { createEventRecorder, createLeaderElection, fenceWrites } from '@periplus/client/reconcile';
import { createScheduler, createSchedulerInformers, type Scheduler } from '@periplus/control/scheduling';
import type { Registry } from 'prom-client';
import { createSchedulerMetrics } from './metrics.js';

export interface SchedulerServiceParts {
  readonly client: ApiClient;
  readonly identity: string;
  readonly schedulerName: string;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  readonly registry: Registry;
  /** The leadership was lost: the process should end. */
  onLost(reason: string): void;
}

export interface SchedulerService {
  start(): void;
  /** Throws while the caches are not complete. */
  checkHealth(): void;
  isLeading(): boolean;
  /** Ends the work under way and lets go of the leadership. */
  stop(): Promise<void>;
}

const ELECTION = 'kube-scheduler';
/** Bindings under way at the end have so long; what isn't bound then is seen as pending by who leads next. */
const STOP_MS_MAX = 5_000;
/** Events that are left then are lost: nobody waits for them. */
const EVENTS_MS_MAX = 1_000;

export function createSchedulerService(parts: SchedulerServiceParts): SchedulerService {
  const { client, schedulerName, time, random, logger } = parts;
  const informers = createSchedulerInformers({ client, time, random, logger });
  const recorder = createEventRecorder({ client, time, random, logger, component: schedulerName });
  let scheduler: Scheduler | undefined;
  const election = createLeaderElection({
    client,
    time,
    random,
    logger,
    election: ELECTION,
    identity: parts.identity,
    onStartedLeading(leadership) {
      scheduler = createScheduler({
        client: fenceWrites(client, leadership),
        informers,
        time,
        random,
        logger,
        recorder,
        schedulerName,
        observer,
      });
      scheduler.start();
    },
    onLost: parts.onLost,
  });
  const observer = createSchedulerMetrics(parts.registry, {
    election: ELECTION,
    profile: schedulerName,
    isLeading: () => election.isLeading(),
    pending: (place) => scheduler?.pending(place) ?? 0,
  });

  async function within(limitMs: number, what: string, work: Promise<void>): Promise<void> {
    try {
      await withDeadline(time, limitMs, what, work);
    } catch (error) {
      logger.warn('work was cut short', { error });
    }
  }

  return {
    start() {
      informers.start();
      election.start();
    },
    checkHealth() {
      if (!informers.hasSynced()) throw new Error('the caches are not complete yet');
    },
    isLeading: () => election.isLeading(),
    async stop() {
      if (scheduler !== undefined) await within(STOP_MS_MAX, 'ending the scheduling', scheduler.stop());
      await election.stop();
      await within(EVENTS_MS_MAX, 'writing the last events', recorder.flush());
      informers.stop();
    },
  };
}
