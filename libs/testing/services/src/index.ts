export { findFreePort } from './free-port.js';
export { type NatsService, startNats } from './nats-service.js';
export { type PostgresService, startPostgres } from './postgres-service.js';
