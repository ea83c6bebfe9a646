/** The scheduler's options. */
import { ConfigError, type ConfigOf, defineConfig } from '@periplus/base/config';
import type { LogLevel } from '@periplus/base/telemetry';

export const schedulerConfig = defineConfig({
  program: 'scheduler',
  summary: 'Gives pending pods their nodes: of many instances one leads, the others stand by.',
  options: [
    {
      name: 'apiserver',
      type: 'strings',
      required: true,
      help: "the apiservers' gRPC addresses",
      example: '10.0.0.1:6444',
    },
    { name: 'caFile', type: 'string', required: true, help: "the CA of the apiserver's certificate, PEM" },
    { name: 'certFile', type: 'string', required: true, help: "the scheduler's client certificate, PEM" },
    { name: 'keyFile', type: 'string', required: true, help: 'its key, PEM' },
    {
      name: 'metricsAddress',
      type: 'string',
      default: '127.0.0.1:10259',
      help: 'where /livez, /readyz and /metrics answer',
      example: 'unix:/run/scheduler.sock',
    },
    {
      name: 'identity',
      type: 'string',
      help: 'the holder in the election, the same after a restart; host name and service name by default',
    },
    {
      name: 'schedulerName',
      type: 'string',
      default: 'default-scheduler',
      help: 'pods with this spec.schedulerName are scheduled',
    },
    { name: 'logLevel', type: 'string', default: 'info', help: 'debug, info, warn or error' },
  ],
});

export type SchedulerConfig = ConfigOf<typeof schedulerConfig>;

const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** Throws a ConfigError for a level that there isn't. */
export function logLevelOf(config: SchedulerConfig): LogLevel {
  const level = logLevels.find((each) => each === config.logLevel);
  if (level === undefined) throw new ConfigError('scheduler', [`--log-level must be one of ${logLevels.join(', ')}`]);
  return level;
}
