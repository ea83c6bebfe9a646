/** The configuration file of each service of a cluster: a pure function of its plan and its folders. */
import { join } from 'node:path';
import {
  type ClusterPaths,
  type ClusterPlan,
  type NodePlan,
  postgresUrl,
  serviceSocket,
} from '@periplus/ops/dependencies';

export type ConfigValue = string | number | boolean | readonly string[];
/** By the camelCase names of the service's own options. */
export type ServiceConfig = Readonly<Record<string, ConfigValue>>;

/** Our own services, each a process and an app of the same name. */
export const ownServices = ['apiserver', 'projector', 'scheduler', 'controller-manager', 'kubelet', 'proxy'] as const;
export type OwnService = (typeof ownServices)[number];

/** The link between the host and a node is a /24. */
const linkPrefixLength = 24;

interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

export function serviceConfigs(plan: ClusterPlan, paths: ClusterPaths): Readonly<Record<OwnService, ServiceConfig>> {
  const [node] = plan.nodes;
  if (node === undefined) throw new Error(`the plan of cluster ${plan.name} has no node`);
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
  return {
    apiserver: {
      name: plan.name,
      listenAddress: [`127.0.0.1:${plan.ports.apiserver}`, `${plan.hostAddress}:${plan.ports.apiserver}`],
      grpcListenAddress: [`127.0.0.1:${plan.ports.grpc}`, `${plan.hostAddress}:${plan.ports.grpc}`],
      advertiseAddress: plan.hostAddress,
      advertisePort: plan.ports.apiserver,
      serviceClusterIpRange: plan.serviceCidr,
      serviceNodePortRange: plan.nodePortRange,
      ...log('apiserver'),
      logFolder: paths.nats,
      ...postgres,
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
