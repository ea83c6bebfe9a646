/** The controller-manager: keeps the cluster as its objects say it should be. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { loadConfigOrExit, logLevelOf } from '@periplus/base/config';
import { createLogger, startHealthServer } from '@periplus/base/telemetry';
import { createSdkClient } from '@periplus/client/sdk';
import { Registry } from 'prom-client';
import { controllerManagerConfig } from './config.js';
import { createControllerManager } from './wiring.js';

const config = loadConfigOrExit(controllerManagerConfig);
const logger = createLogger('controller-manager', logLevelOf('controller-manager', config));
const registry = new Registry();
const client = createSdkClient({
  address: config.apiserver,
  caFile: config.caFile,
  certFile: config.certFile,
  keyFile: config.keyFile,
  userAgent: 'periplus-controller-manager',
  logger,
  time: systemTime,
  random: systemRandom,
});
const manager = createControllerManager({
  client,
  identity: config.identity ?? `${hostname()}_controller-manager`,
  ...(config.serviceAccountCaFile === undefined ? {} : { rootCa: readFileSync(config.serviceAccountCaFile, 'utf8') }),
  ...(config.clusterCidr === undefined ? {} : { clusterCidr: config.clusterCidr }),
  time: systemTime,
  random: systemRandom,
  logger,
  registry,
  onLost: (reason) => end(1, `leadership lost: ${reason}`),
});
const health = await startHealthServer({
  address: config.metricsAddress,
  checks: { caches: () => manager.checkHealth() },
  registry,
});

let ending = false;
function end(code: number, why: string): void {
  if (ending) return;
  ending = true;
  logger.info('ending', { why });
  manager
    .stop()
    .then(() => {
      client.close();
      return health.close();
    })
    .then(
      () => process.exit(code),
      (error: unknown) => {
        logger.error('could not end well', { error });
        process.exit(1);
      },
    );
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(0, signal));

logger.info('starting', { apiserver: config.apiserver });
manager.start();
