export type { CachedObject } from './cached-object.js';
export { createWatchCache, type WatchCacheOptions } from './create-watch-cache.js';
export type { WindowLimits } from './change-window.js';
export type { IndexName, IndexTerm } from './object-index.js';
export type { RecentRequest } from './recent-requests.js';
export type { RequestLimits, Snapshot, SnapshotRow, SnapshotSource } from './snapshot-source.js';
export type {
  CachedList,
  CachedListAt,
  CachedObjectAt,
  CacheScope,
  CacheWatch,
  DamagedObject,
  ResourceName,
  WatchCache,
  WatchChange,
  WatchListener,
} from './watch-cache.js';
