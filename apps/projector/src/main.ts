/** The projector: follows the log into Postgres, for start-up, history and SQL. */
import { ConfigError, loadConfigOrExit, logLevelOf } from '@periplus/base/config';
import { createLogger, type LogLevel, startHealthServer } from '@periplus/base/telemetry';
import { Registry } from 'prom-client';
import { projectorConfig } from './config.js';
import { retentionOf } from './retention-config.js';
import { createProjectorService, type ProjectorService } from './wiring.js';

const config = loadConfigOrExit(projectorConfig);

/** What is wrong with the configuration is said before anything begins. */
function logLevelOrExit(): LogLevel {
  try {
    retentionOf(config);
    return logLevelOf('projector', config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(2);
  }
}

const logger = createLogger('projector', logLevelOrExit());
const registry = new Registry();
const starting = new AbortController();
let service: ProjectorService | undefined;

const health = await startHealthServer({
  address: config.metricsAddress,
  checks: {
    start() {
      if (service === undefined) throw new Error('waiting for the log');
    },
    log: () => service?.checks['log']?.(),
    postgres: () => service?.checks['postgres']?.(),
  },
  registry,
  note: () => service?.note(),
});

let ending = false;
function end(code: number, why: string): void {
  if (ending) return;
  ending = true;
  starting.abort();
  logger.info('ending', { why });
  const stopped = service === undefined ? Promise.resolve() : service.stop();
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

try {
  service = await createProjectorService({ config, registry, logger, signal: starting.signal });
  await service.run();
} catch (error) {
  if (!ending) logger.error('could not go on', { error });
  end(1, 'could not go on');
}
