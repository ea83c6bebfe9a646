import { loadConfig } from '@periplus/base/config';
import { proxyConfig } from './config.js';
import { toProxySettings } from './proxy-settings.js';

const env = {
  PERIPLUS_APISERVER: '10.0.0.1:6444',
  PERIPLUS_CA_FILE: 'ca',
  PERIPLUS_CERT_FILE: 'cert',
  PERIPLUS_KEY_FILE: 'key',
  PERIPLUS_NODE_NAME: 'n1',
  PERIPLUS_NODE_ADDRESS: '10.0.0.2',
  PERIPLUS_CLUSTER_CIDR: '10.244.0.0/16',
  PERIPLUS_SERVICE_CIDR: '10.96.0.0/16',
};

function settings(over: Record<string, string>) {
  const loaded = loadConfig(proxyConfig, [], { ...env, ...over });
  if (loaded.kind !== 'config') throw new Error('no configuration');
  return toProxySettings(loaded.config);
}

describe("the proxy's settings", () => {
  it('come from the options', () => {
    expect(settings({ PERIPLUS_MODE: 'iptables', PERIPLUS_NODE_ADDRESS: '10.0.0.2,10.0.0.3' })).toEqual({
      view: {
        nodeName: 'n1',
        nodeAddresses: ['10.0.0.2', '10.0.0.3'],
        clusterCidr: '10.244.0.0/16',
        serviceCidr: '10.96.0.0/16',
      },
      mode: 'iptables',
      resyncMs: 180_000,
      logLevel: 'info',
    });
  });

  it.each([
    ['an unknown mode', { PERIPLUS_MODE: 'ipvs' }, 'mode'],
    ['an unknown log level', { PERIPLUS_LOG_LEVEL: 'loud' }, 'log-level'],
    ['an address that is none', { PERIPLUS_NODE_ADDRESS: 'node' }, 'node-address'],
    ['a range that is none', { PERIPLUS_CLUSTER_CIDR: '10.244.0.0' }, 'clusterCidr'],
  ])('refuse %s', (_, over, named) => {
    expect(() => settings(over)).toThrow(expect.objectContaining({ code: 'ConfigInvalid' }));
    expect(() => settings(over)).toThrow(named);
  });
});
