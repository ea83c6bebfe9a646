export type {
  CompactionSource,
  End,
  EndPortion,
  EndQuestion,
  ResourceName,
} from './compaction-source.js';
export {
  CompactionInterruptedError,
  type Compactor,
  type CompactorOptions,
  type CompactorStats,
  createCompactor,
} from './compactor.js';
export {
  defaultRetention,
  type RetentionPolicy,
  retentionGraceMs,
  type RetentionRule,
  ruleOf,
} from './retention-policy.js';
