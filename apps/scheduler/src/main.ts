/** The scheduler: gives pending pods their nodes. */
import { hostname } from 'node:os';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { ConfigError, loadConfigOrExit, logLevelOf } from '@periplus/base/config';
import { createLogger, type LogLevel, startHealthServer } from '@periplus/base/telemetry';
import { createSdkClient } from '@periplus/client/sdk';
import { Registry } from 'prom-client';
import { schedulerConfig } from './config.js';
import { createSchedulerService } from './wiring.js';

const config = loadConfigOrExit(schedulerConfig);

function logLevelOrExit(): LogLevel {
  try {
    return logLevelOf('scheduler', config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(2);
  }
}

const logger = createLogger('scheduler', logLevelOrExit());
const registry = new Registry();
const client = createSdkClient({
  address: config.apiserver,
  caFile: config.caFile,
  certFile: config.certFile,
  keyFile: config.keyFile,
  userAgent: 'periplus-scheduler',
  logger,
  time: systemTime,
  random: systemRandom,
});
const service = createSchedulerService({
  client,
  identity: config.identity ?? `${hostname()}_scheduler`,
  schedulerName: config.schedulerName,
  time: systemTime,
  random: systemRandom,
  logger,
  registry,
  onLost: (reason) => end(1, `leadership lost: ${reason}`),
});
const health = await startHealthServer({
  address: config.metricsAddress,
  checks: { caches: () => service.checkHealth() },
  registry,
});

let ending = false;
function end(code: number, why: string): void {
  if (ending) return;
  ending = true;
  logger.info('ending', { why });
  service
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
service.start();
