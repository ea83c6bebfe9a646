/** The controller-manager's options. */
import { ConfigError, type ConfigOf, defineConfig } from '@periplus/base/config';
import type { LogLevel } from '@periplus/base/telemetry';

export const controllerManagerConfig = defineConfig({
  program: 'controller-manager',
  summary: 'Runs the controllers: of many instances one leads, the others stand by.',
  options: [
    {
      name: 'apiserver',
      type: 'strings',
      required: true,
      help: "the apiservers' gRPC addresses",
      example: '10.0.0.1:6444',
    },
    { name: 'caFile', type: 'string', required: true, help: "the CA of the apiserver's certificate, PEM" },
    { name: 'certFile', type: 'string', required: true, help: 'the client certificate, PEM' },
    { name: 'keyFile', type: 'string', required: true, help: 'its key, PEM' },
    {
      name: 'metricsAddress',
      type: 'string',
      default: '127.0.0.1:10257',
      help: 'where /livez, /readyz and /metrics answer',
      example: 'unix:/run/controller-manager.sock',
    },
    {
      name: 'identity',
      type: 'string',
      help: 'the holder in the election, the same after a restart; host name and service name by default',
    },
    {
      name: 'serviceAccountCaFile',
      type: 'string',
      help: 'the CA that pods are told to trust, PEM; not published when absent',
    },
    {
      name: 'clusterCidr',
      type: 'string',
      help: "all pods' range, of which nodes get theirs; none is given out when absent",
      example: '10.244.0.0/16',
    },
    { name: 'logLevel', type: 'string', default: 'info', help: 'debug, info, warn or error' },
  ],
});

export type ControllerManagerConfig = ConfigOf<typeof controllerManagerConfig>;

const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** Throws a ConfigError for a level that there isn't. */
export function logLevelOf(config: ControllerManagerConfig): LogLevel {
  const level = logLevels.find((each) => each === config.logLevel);
  if (level === undefined)
    throw new ConfigError('controller-manager', [`--log-level must be one of ${logLevels.join(', ')}`]);
  return level;
}
