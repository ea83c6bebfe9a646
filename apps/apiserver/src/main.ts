/** The apiserver: the Kubernetes API and ObjectService over the cluster's log. */
import { hostname } from 'node:os';
import { loadConfigOrExit, logLevelOf } from '@periplus/base/config';
import { createLogger, startHealthServer } from '@periplus/base/telemetry';
import { Registry } from 'prom-client';
import { apiserverConfig } from './config.js';
import { readKeyMaterial } from './key-files.js';
import { type Apiserver, createApiserver } from './wiring.js';

const config = loadConfigOrExit(apiserverConfig);
const logger = createLogger('apiserver', logLevelOf('apiserver', config)).with({
  identity: config.identity ?? `${hostname()}_${process.pid}`,
});
const registry = new Registry();
const keys = readKeyMaterial(config);
const starting = new AbortController();
let apiserver: Apiserver | undefined;
let isServing = false;

const health = await startHealthServer({
  address: config.metricsAddress,
  checks: {
    start() {
      if (!isServing) throw new Error('the server is starting');
    },
    log: () => apiserver?.checks['log']?.(),
    cache: () => apiserver?.checks['cache']?.(),
    logStore: () => apiserver?.checks['logStore']?.(),
  },
  registry,
});

let ending = false;
function end(code: number, why: string): void {
  if (ending) return;
  ending = true;
  starting.abort();
  logger.info('ending', { why });
  const stopped = apiserver === undefined ? Promise.resolve() : apiserver.stop();
  stopped
    .then(() => health.close())
    .then(
      () => process.exit(code),
      (error: unknown) => {
        logger.error('could not end well', { error });
        process.exit(1);
      },
    );
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(0, signal));

/** What has ended the following of the log is healed by a restart, which the supervisor gives. */
const fatalCheckMs = 1_000;

try {
  const started = Date.now();
  apiserver = await createApiserver({ config, keys, registry, logger, signal: starting.signal });
  await apiserver.start();
  isServing = true;
  logger.info('serving', {
    https: config.listenAddress,
    grpc: config.grpcListenAddress,
    startedMs: Date.now() - started,
  });
  setInterval(() => {
    try {
      apiserver?.checkFatal();
    } catch (error) {
      logger.error('the log can not be followed any more', { error });
      end(1, 'the log can not be followed any more');
    }
  }, fatalCheckMs);
} catch (error) {
  logger.error('could not start', { error });
  end(1, 'could not start');
}
