/** What the options mean: checked values in place of text. */
import { ConfigError, logLevelOf } from '@periplus/base/config';
import type { LogLevel } from '@periplus/base/telemetry';
import { canonicalRange, isIpv4, type NodeView } from '@periplus/node/service-rules';
import type { ProxyConfig } from './config.js';

export type ProxyMode = 'iptables' | 'nftables';

export interface ProxySettings {
  readonly view: NodeView;
  readonly mode: ProxyMode;
  readonly resyncMs: number;
  readonly logLevel: LogLevel;
}

const modes: readonly ProxyMode[] = ['iptables', 'nftables'];

/** Throws ConfigError with all that is wrong. */
export function toProxySettings(config: ProxyConfig): ProxySettings {
  const mode = modes.find((each) => each === config.mode);
  const problems = [
    ...(mode === undefined ? [`--mode must be iptables or nftables, not ${JSON.stringify(config.mode)}`] : []),
    ...config.nodeAddress
      .filter((address) => !isIpv4(address))
      .map((address) => `--node-address must be IPv4 addresses, not ${JSON.stringify(address)}`),
    ...(['clusterCidr', 'serviceCidr'] as const)
      .filter((name) => canonicalRange(config[name]) === undefined)
      .map((name) => `${name} must be an IPv4 range, not ${JSON.stringify(config[name])}`),
  ];
  if (mode === undefined || problems.length > 0) throw new ConfigError('proxy', problems);
  return {
    view: {
      nodeName: config.nodeName,
      nodeAddresses: config.nodeAddress,
      clusterCidr: config.clusterCidr,
      serviceCidr: config.serviceCidr,
    },
    mode,
    resyncMs: config.resyncInterval,
    logLevel: logLevelOf('proxy', config),
  };
}
