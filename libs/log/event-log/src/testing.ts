export { type ContractLog, eventLogContract } from './event-log-contract.js';
export { createMemoryLog, type MemoryLog, type MemoryLogOptions } from './memory-log.js';
