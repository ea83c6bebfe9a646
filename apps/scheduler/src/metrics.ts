/** The scheduler's metrics, by upstream's names. */
import type { QueuePlace, SchedulerObserver } from '@periplus/control/scheduling';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface MetricSources {
  readonly election: string;
  readonly profile: string;
  isLeading(): boolean;
  pending(place: QueuePlace): number;
}

/** From 1 ms, doubling. */
const durationBuckets = Array.from({ length: 15 }, (_value, power) => 0.001 * 2 ** power);
/** From 10 ms, doubling: people's and controllers' patience. */
const waitBuckets = Array.from({ length: 20 }, (_value, power) => 0.01 * 2 ** power);
const places: readonly QueuePlace[] = ['active', 'backoff', 'unschedulable', 'gated'];

export function createSchedulerMetrics(registry: Registry, sources: MetricSources): SchedulerObserver {
  const { profile } = sources;
  const registers = [registry];
  const attempts = new Counter({
    name: 'scheduler_schedule_attempts_total',
    help: 'Attempts to schedule pods, by result.',
    labelNames: ['result', 'profile'],
    registers,
  });
  const duration = new Histogram({
    name: 'scheduler_scheduling_attempt_duration_seconds',
    help: 'How long attempts took, from the decision to the settled binding.',
    labelNames: ['result', 'profile'],
    buckets: durationBuckets,
    registers,
  });
  const tries = new Histogram({
    name: 'scheduler_pod_scheduling_attempts',
    help: 'How many attempts bound pods took.',
    buckets: [1, 2, 4, 8, 16],
    registers,
  });
  const wait = new Histogram({
    name: 'scheduler_pod_scheduling_sli_duration_seconds',
    help: 'How long bound pods had waited since they were first seen.',
    buckets: waitBuckets,
    registers,
  });
  new Gauge({
    name: 'scheduler_pending_pods',
    help: 'Pods that wait, by place in the queue.',
    labelNames: ['queue'],
    registers,
    collect() {
      for (const queue of places) this.set({ queue }, sources.pending(queue));
    },
  });
  new Gauge({
    name: 'leader_election_master_status',
    help: 'Whether this process leads.',
    labelNames: ['name'],
    registers,
    collect() {
      this.set({ name: sources.election }, sources.isLeading() ? 1 : 0);
    },
  });
  return {
    attempted(result, durationMs) {
      attempts.inc({ result, profile });
      duration.observe({ result, profile }, durationMs / 1_000);
    },
    bound(podAttempts, waitedMs) {
      tries.observe(podAttempts);
      wait.observe(waitedMs / 1_000);
    },
  };
}
