export { createJournal, type Journal, type OpenSession } from './journal.js';
export { judge, type JudgeInput, type Verdict } from './judge.js';
export { type LoggedEvent, type LogHistory, objectOf, readHistory, type UnreadableEntry } from './log-history.js';
export { createLogIndex, describeKey, type LogIndex, stateAtEnd, type Timeline } from './log-index.js';
export { recordClient, type RecordClientOptions, type RecordedClient } from './record-client.js';
export { recordTransactions } from './record-transactions.js';
export type {
  CallTimes,
  Freshness,
  GetCall,
  ListCall,
  RecordedCall,
  SeenEvent,
  SeenObject,
  WatchSession,
  WriteCall,
} from './recorded-call.js';
export { isSameObject } from './same-object.js';
export { checkClean, type Finding, type FindingKind, type LivingOwners } from './rules/clean-node.js';
export { checkKept } from './rules/kept.js';
export { checkLinear, type LinearVerdict } from './rules/linear.js';
export { checkNoTimeTravel } from './rules/no-time-travel.js';
export { checkBoundOnce, checkParents, checkTransactions } from './rules/one-line.js';
export { checkAnswers, checkView, type View, type ViewedObject } from './rules/same-everywhere.js';
export { checkQuiet, checkSettled } from './rules/settled.js';
export { checkWatches, type WatchContext } from './rules/watch-promises.js';
export { formatViolation, type RuleName, type Violation, violation } from './violation.js';
