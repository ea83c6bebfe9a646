export { type HealthCheck, type HealthServer, type HealthServerOptions, startHealthServer } from './health-server.js';
export { createLogger, type LogLevel } from './json-logger.js';
export { type LogFields, type Logger, silentLogger } from './logger.js';
