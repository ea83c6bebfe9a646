export { formatFitError } from './cycle/fit-error.js';
export { createSchedulingQueue, type QueuePlace, type SchedulingQueue } from './queue/scheduling-queue.js';
export { createScheduler, type Scheduler, type SchedulerOptions } from './shell/scheduler.js';
export {
  createSchedulerInformers,
  type SchedulerInformers,
  type SchedulerInformersOptions,
} from './shell/scheduler-informers.js';
export type { AttemptResult, SchedulerObserver } from './shell/scheduler-observer.js';
