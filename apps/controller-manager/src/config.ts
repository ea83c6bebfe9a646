/** The controller-manager's options. */
import { type ConfigOf, defineConfig, logLevelOption } from '@periplus/base/config';

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
    logLevelOption,
  ],
});

export type ControllerManagerConfig = ConfigOf<typeof controllerManagerConfig>;
