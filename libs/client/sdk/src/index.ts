export { CallError, type CallFailureCode } from './failure.js';
export type { ResourceClient } from './resource-client.js';
export type { TransactionWrite } from '@periplus/client/api-client';
export { createSdkClient, type HistoryEntry, type SdkClient, type SdkClientOptions } from './sdk-client.js';
