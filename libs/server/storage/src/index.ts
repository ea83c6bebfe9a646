export { createCachedObjects } from './cached-objects.js';
export { continueTokenLifeMs } from './continue-token.js';
export { createHistory, type HistoryChange, type HistoryEntry, type HistorySource } from './event-history.js';
export { type History, type HistoryItem, HistoryUnavailableError, type Past } from './history.js';
export { objectBytesMax, type PlannedWrite } from './log-writer.js';
export { hasStatusSubresource, keepOtherPart, keepServerMetadata } from './object-metadata.js';
export type { GetOptions, ListOptions, StoredList } from './object-reader.js';
export type {
  CreateInput,
  DeleteInput,
  DeleteResult,
  ObjectStore,
  StoredKind,
  UpdateDecision,
  UpdateInput,
  UpdateResult,
} from './object-store.js';
export { parsePointInTime, type PointInTime } from './point-in-time.js';
export type { Selection } from './selection.js';
export type { ObjectConversion, Serve, ServedObject } from './served-object.js';
export { createStorage, createStorageEncoder, type Storage, type StorageOptions } from './storage.js';
export type { StoredObject } from './stored-object.js';
export type { ServedEvent, WatchHandle, WatchOptions, WatchSink } from './watch-stream.js';
export {
  createTransactionDraft,
  overlayObjects,
  type TransactionDraft,
} from './transaction-draft.js';
export type { WriteContext } from './write-context.js';
export { addressAt, containsAddress, type IpRange, parseIpRange } from './resources/ip-range.js';
export {
  createServiceAllocator,
  parsePortRange,
  type PortRange,
  type ServiceAllocator,
} from './resources/service-allocator.js';
export { randomUid } from './server-made.js';
