export {
  answerHealth,
  type HealthAnswer,
  type HealthCheck,
  type HealthChecks,
  type HealthQuestion,
} from './health-answer.js';
export { type HealthServer, type HealthServerOptions, startHealthServer } from './health-server.js';
export { createLogger, type LogLevel } from './json-logger.js';
export { type LogFields, type Logger, silentLogger } from './logger.js';
