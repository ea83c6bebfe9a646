export type {
  ApiClient,
  DeleteOptions,
  ListOptions,
  ObjectList,
  ObjectTarget,
  PatchType,
  ResourceTarget,
  StopWatch,
  WatchEvent,
  WatchHandler,
  WatchOptions,
  WriteContext,
} from './api-client.js';
