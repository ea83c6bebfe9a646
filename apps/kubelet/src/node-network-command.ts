/** `kubelet network up|down`: makes or removes the network namespace that is this node. */
import { ConfigError } from '@periplus/base/config';
import { createNodeNetwork, destroyNodeNetwork, type NodeNetworkOptions } from '@periplus/node/host';
import type { KubeletConfig } from './config.js';

function networkOptions(config: KubeletConfig): NodeNetworkOptions {
  const { clusterName, nodeName, nodeIndex, hostAddress, nodeAddress, prefixLength } = config;
  const { podCidr, clusterCidr, serviceCidr, cniConfDir } = config;
  if (hostAddress === undefined || cniConfDir === undefined || podCidr === '') {
    throw new ConfigError('kubelet network', ['hostAddress, cniConfDir and podCidr are needed to make a network']);
  }
  const cidrs = { podCidr, clusterCidr: clusterCidr || podCidr, serviceCidr };
  return { clusterName, nodeName, index: nodeIndex, hostAddress, nodeAddress, prefixLength, ...cidrs, cniConfDir };
}

/** Idempotent both ways. */
export async function runNetworkCommand(direction: 'up' | 'down', config: KubeletConfig): Promise<void> {
  const options = networkOptions(config);
  if (direction === 'up') await createNodeNetwork(options);
  else await destroyNodeNetwork(options);
}
