export { formatFitError } from './cycle/fit-error.js';
export { matchesNodeRules, type NamedNodeRules, toNodeRules } from './plugins/node-affinity.js';
export { isTolerated, tolerates } from './plugins/tolerations.js';
export { createSchedulingQueue, type QueuePlace, type SchedulingQueue } from './queue/scheduling-queue.js';
export { createScheduler, type Scheduler, type SchedulerOptions } from './shell/scheduler.js';
export {
  createSchedulerInformers,
  type SchedulerInformers,
  type SchedulerInformersOptions,
} from './shell/scheduler-informers.js';
export type { AttemptResult, SchedulerObserver } from './shell/scheduler-observer.js';
