/** The real logger: pino's JSON lines on standard output, errors with stack and causes. */
import { pino } from 'pino';
import type { LogFields, Logger } from './logger.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** @param service the name that every line carries. */
export function createLogger(service: string, level: LogLevel): Logger {
  const root = pino({
    level,
    base: { service },
    timestamp: () => `,"ts":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { error: describeError },
  });
  return wrap(root);
}

function wrap(target: pino.Logger): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields?: LogFields): void =>
      target[level](fields ?? {}, message);
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => wrap(target.child(fields)),
  };
}

function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return {
    message: error.message,
    code: (error as { code?: unknown }).code,
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}
