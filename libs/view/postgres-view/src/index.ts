export {
  createPostgresView,
  HistoryUnavailableError,
  type ListPage,
  type Past,
  type PostgresView,
  type PostgresViewOptions,
  type ResourceName,
  type RequestLimits,
  type SnapshotPosition,
} from './postgres-view.js';
export type { BuildProgress } from './build-progress.js';
export { createProjector, type Projector, type ProjectorOptions, type ProjectorState } from './projector.js';
export {
  type ExpectedLatest,
  type ProjectionSnapshot,
  type StoredKind,
  type StrayRow,
  type TableAudit,
  type TableFinding,
  withProjectionSnapshot,
} from './projection-audit.js';
export { schemaName } from './schema.js';
export { ProjectionDamagedError, type StoredChange, type StoredEvent } from './stored-event.js';
