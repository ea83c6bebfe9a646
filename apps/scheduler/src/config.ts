/** The scheduler's options. */
import { type ConfigOf, defineConfig, logLevelOption } from '@periplus/base/config';

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
    logLevelOption,
  ],
});

export type SchedulerConfig = ConfigOf<typeof schedulerConfig>;
