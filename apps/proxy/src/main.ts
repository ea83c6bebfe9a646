/** The proxy of one node. It runs in the node's network namespace; the rules that it wrote stay when it ends. */
import { systemRandom, systemTime } from '@periplus/base/clock';
import { ConfigError, loadConfigOrExit } from '@periplus/base/config';
import { createLogger, startHealthServer } from '@periplus/base/telemetry';
import { createSdkClient } from '@periplus/client/sdk';
import { runCommand } from '@periplus/node/host';
import { Registry } from 'prom-client';
import { proxyConfig } from './config.js';
import { type ProxySettings, toProxySettings } from './proxy-settings.js';
import { createProxy } from './wiring.js';

const config = loadConfigOrExit(proxyConfig);

function settingsOrExit(): ProxySettings {
  try {
    return toProxySettings(config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(2);
  }
}

const settings = settingsOrExit();
const logger = createLogger('proxy', settings.logLevel);
const registry = new Registry();
const client = createSdkClient({
  address: config.apiserver,
  caFile: config.caFile,
  certFile: config.certFile,
  keyFile: config.keyFile,
  userAgent: 'periplus-proxy',
  logger,
  time: systemTime,
  random: systemRandom,
});
const parts = { settings, client, run: runCommand, time: systemTime, random: systemRandom, logger, registry };
const proxy = createProxy(parts);
const health = await startHealthServer({
  address: config.metricsAddress,
  checks: { rules: () => proxy.checkHealth() },
  registry,
});

let stopping = false;
async function stop(signal: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  logger.info('ending; the rules stay', { signal });
  await proxy.stop();
  client.close();
  await health.close();
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    stop(signal).catch((error: unknown) => {
      logger.error('could not end well', { error });
      process.exit(1);
    });
  });
}

logger.info('starting', { mode: settings.mode, nodeName: config.nodeName, apiserver: config.apiserver });
await proxy.start();
