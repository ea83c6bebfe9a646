/** The configuration file of each service of a cluster: a pure function of its plan and its folders. */
import { join } from 'node:path';
import {
  type ClusterPaths,
  type ClusterPlan,
  type NodePlan,
  postgresUrl,
  serviceSocket,
} from '@periplus/ops/dependencies';
import type { ApiserverFlags } from './apiserver-flags.js';

export type ConfigValue = string | number | boolean | readonly string[];
/** By the camelCase names of the service's own options. */
export type ServiceConfig = Readonly<Record<string, ConfigValue>>;
/** Of the services that the cluster has, which is at least the apiserver. */
export type ServiceConfigs = Readonly<Partial<Record<OwnService, ServiceConfig>> & { apiserver: ServiceConfig }>;

/** Our own services, each a process and an app of the same name. */
export const ownServices = ['apiserver', 'projector', 'scheduler', 'controller-manager', 'kubelet', 'proxy'] as const;
export type OwnService = (typeof ownServices)[number];

/** The link between the host and a node is a /24. */
const linkPrefixLength = 24;

interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

export function serviceConfigs(plan: ClusterPlan, paths: ClusterPaths, flags: ApiserverFlags = {}): ServiceConfigs {
  const [node] = plan.nodes;
  const pki = (file: string): string => join(paths.pki, file);
  const certificate = (file: string): Certificate => ({ certFile: pki(`${file}.crt`), keyFile: pki(`${file}.key`) });
  const metrics = (service: OwnService) => ({ metricsAddress: `unix:${serviceSocket(paths, service)}` });
  const log = (user: string) => ({
    natsUrl: `tls://127.0.0.1:${plan.ports.nats}`,
    natsCaFile: pki('nats-ca.crt'),
    natsCertFile: pki(`nats-${user}.crt`),
    natsKeyFile: pki(`nats-${user}.key`),
  });
  const postgres = { postgresUrl: postgresUrl(paths.postgresRun, plan.ports.postgres) };
  const client = (file: string) => ({
    apiserver: `${plan.hostAddress}:${plan.ports.grpc}`,
    caFile: pki('ca.crt'),
    ...certificate(file),
  });
  const addresses = (port: number) => [...new Set(['127.0.0.1', plan.hostAddress])].map((host) => `${host}:${port}`);
  const isAlone = plan.only !== undefined;
  const services: ServiceConfigs = {
    apiserver: {
      name: plan.name,
      listenAddress: addresses(plan.ports.apiserver),
      grpcListenAddress: addresses(plan.ports.grpc),
      // Nobody else could reach loopback by the `kubernetes` Service.
      ...(isAlone ? {} : { advertiseAddress: plan.hostAddress }),
      advertisePort: plan.ports.apiserver,
      ...flags,
      serviceClusterIpRange: plan.serviceCidr,
      serviceNodePortRange: plan.nodePortRange,
      ...log('apiserver'),
      logFolder: paths.nats,
      ...(isAlone ? {} : postgres),
      auditLogPath: join(paths.logs, 'audit', 'audit.log'),
      clientCaFile: pki('ca.crt'),
      tlsCertFile: pki('apiserver.crt'),
      tlsKeyFile: pki('apiserver.key'),
      serviceAccountKeyFile: pki('service-account.key'),
      serviceAccountIssuer: `https://kubernetes.default.svc.${plan.clusterDomain}`,
      kubeletClientCertFile: pki('apiserver-kubelet-client.crt'),
      kubeletClientKeyFile: pki('apiserver-kubelet-client.key'),
      clusterKeyFile: pki('cluster.key'),
      ...metrics('apiserver'),
    },
  };
  if (isAlone) return services;
  if (node === undefined) throw new Error(`the plan of cluster ${plan.name} has no node`);
  return {
    ...services,
    projector: { ...log('projector'), ...postgres, ...metrics('projector') },
    scheduler: { ...client('scheduler'), ...metrics('scheduler') },
    'controller-manager': {
      ...client('controller-manager'),
      serviceAccountCaFile: pki('ca.crt'),
      clusterCidr: plan.podCidr,
      ...metrics('controller-manager'),
    },
    kubelet: { ...kubeletConfig(plan, paths, node), ...client(`kubelet-${node.name}`), ...metrics('kubelet') },
    proxy: {
      ...client('proxy'),
      nodeName: node.name,
      nodeAddress: node.address,
      clusterCidr: plan.podCidr,
      serviceCidr: plan.serviceCidr,
      ...metrics('proxy'),
    },
  };
}

function kubeletConfig(plan: ClusterPlan, paths: ClusterPaths, node: NodePlan): ServiceConfig {
  return {
    clusterName: plan.name,
    nodeName: node.name,
    nodeAddress: node.address,
    hostAddress: plan.hostAddress,
    prefixLength: linkPrefixLength,
    containerdSocket: paths.containerdSocket,
    podCidr: node.podCidr,
    clusterCidr: plan.podCidr,
    serviceCidr: plan.serviceCidr,
    clusterDns: plan.dnsServiceAddress,
    clusterDomain: plan.clusterDomain,
    rootDir: paths.kubelet,
    cgroupParent: node.cgroupParent,
    cniConfDir: paths.cniConf,
    serverCertFile: join(paths.pki, `kubelet-server-${node.name}.crt`),
    serverKeyFile: join(paths.pki, `kubelet-server-${node.name}.key`),
    clientCaFile: join(paths.pki, 'ca.crt'),
    apiserverHost: plan.apiserverServiceAddress,
    apiserverPort: 443,
  };
}
