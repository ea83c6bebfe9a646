export {
  type Append,
  type AppendOutcome,
  type EventLog,
  type Follower,
  type FollowHandler,
  type LogEntry,
  LogUnavailableError,
  type StreamName,
  type Subject,
} from './event-log.js';
export { type CommitOutcome, CommitQueueFullError, type GroupCommitter } from './group-committer.js';
