/** The kubelet of one node. It runs in the node's network namespace; its containers run on when it ends. */
import { systemRandom, systemTime } from '@periplus/base/clock';
import { loadConfigOrExit, logLevelOf } from '@periplus/base/config';
import { createLogger, startHealthServer } from '@periplus/base/telemetry';
import { createSdkClient } from '@periplus/client/sdk';
import { Registry } from 'prom-client';
import { kubeletConfig } from './config.js';
import { runNetworkCommand } from './node-network-command.js';
import { startKubelet } from './wiring.js';

const argv = process.argv.slice(2);

async function runNode(): Promise<void> {
  const config = loadConfigOrExit(kubeletConfig, argv);
  const logger = createLogger('kubelet', logLevelOf('kubelet', config));
  const registry = new Registry();
  const time = systemTime;
  const random = systemRandom;
  const client = createSdkClient({
    address: config.apiserver,
    caFile: config.caFile,
    certFile: config.certFile,
    keyFile: config.keyFile,
    userAgent: 'periplus-kubelet',
    logger,
    time,
    random,
  });
  logger.info('starting', { nodeName: config.nodeName, apiserver: config.apiserver });
  const kubelet = await startKubelet({ config, client, time, random, logger, registry });
  const health = await startHealthServer({
    address: config.metricsAddress,
    checks: { runtime: () => kubelet.checkHealth(), node: () => kubelet.checkReady() },
    registry,
  });

  let stopping = false;
  async function stop(signal: string): Promise<void> {
    if (stopping) return;
    stopping = true;
    logger.info('ending; containers run on', { signal });
    await kubelet.stop();
    client.close();
    await health.close();
    process.exit(0);
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      stop(signal).catch((error: unknown) => {
        logger.error('could not end well', { error });
        process.exit(1);
      });
    });
  }
}

const [command, direction, ...rest] = argv;
if (command === 'network') {
  if (direction !== 'up' && direction !== 'down') {
    process.stderr.write('kubelet network: say `up` or `down`, then the options\n');
    process.exit(2);
  }
  await runNetworkCommand(direction, loadConfigOrExit(kubeletConfig, rest));
} else {
  await runNode();
}
