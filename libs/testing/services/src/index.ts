export { findFreePort } from './free-port.js';
export { createLosingDisk, type LosingDisk, losingDiskProblem } from './losing-disk.js';
export { type NatsService, type NatsServiceOptions, startNats } from './nats-service.js';
export { type PostgresService, startPostgres } from './postgres-service.js';
