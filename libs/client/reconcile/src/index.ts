export { type Controller, type ControllerOptions, createController, type Reconciled } from './controller.js';
export {
  createEventRecorder,
  type EventRecorder,
  type EventRecorderOptions,
  type EventType,
} from './event-recorder.js';
export { isOutage, isRace } from './failure.js';
export { fenceWrites, type Leadership } from './fenced-client.js';
export {
  createLeaderElection,
  DEFAULT_TIMING,
  type LeaderElection,
  type LeaderElectionOptions,
} from './leader-election.js';
export type { ElectionTiming } from './lease-record.js';
export { createWorkQueue, type WorkQueue, type WorkQueueBackoff, type WorkQueueOptions } from './work-queue.js';
