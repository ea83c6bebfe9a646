export {
  type Append,
  type AppendOutcome,
  type EventLog,
  type Follower,
  type FollowHandler,
  type LogEntry,
  LogFullError,
  LogRewoundError,
  LogUnavailableError,
  type StreamName,
  type Subject,
} from './event-log.js';
export {
  type CommitOutcome,
  type CommittedView,
  createGroupCommitter,
  type GroupCommitter,
  type GroupCommitterOptions,
} from './group-committer.js';
export { createQuorumEnd, type QuorumEnd } from './quorum-end.js';
export { CommitQueueFullError, type QueueLimits } from './unit-queue.js';
