/** The proxy's options. */
import { type ConfigOf, defineConfig, logLevelOption } from '@periplus/base/config';

export const proxyConfig = defineConfig({
  program: 'proxy',
  summary: "Turns services and endpoints into packet rules in this node's network namespace.",
  options: [
    {
      name: 'apiserver',
      type: 'strings',
      required: true,
      help: "the apiservers' gRPC addresses",
      example: '10.0.0.1:6444',
    },
    { name: 'caFile', type: 'string', required: true, help: "the CA of the apiserver's certificate, PEM" },
    { name: 'certFile', type: 'string', required: true, help: "the proxy's client certificate, PEM" },
    { name: 'keyFile', type: 'string', required: true, help: 'its key, PEM' },
    {
      name: 'metricsAddress',
      type: 'string',
      default: '127.0.0.1:10249',
      help: 'where /livez, /readyz and /metrics answer',
      example: 'unix:/run/proxy.sock',
    },
    { name: 'nodeName', type: 'string', required: true, help: "this node's name" },
    { name: 'nodeAddress', type: 'strings', required: true, help: 'where NodePorts answer', example: '10.0.0.2' },
    { name: 'clusterCidr', type: 'string', required: true, help: "all pods' range", example: '10.244.0.0/16' },
    { name: 'serviceCidr', type: 'string', required: true, help: "services' range", example: '10.96.0.0/16' },
    { name: 'mode', type: 'string', default: 'nftables', help: 'iptables or nftables' },
    { name: 'resyncInterval', type: 'duration', default: 180_000, help: 'how often all rules are written anew' },
    logLevelOption,
  ],
});

export type ProxyConfig = ConfigOf<typeof proxyConfig>;
