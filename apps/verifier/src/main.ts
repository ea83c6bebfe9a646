/** The verifier: says what in the log, the tables and the caches does not agree. Exits with 0 whatever it says; 1 if it could not look. */
import { readFileSync } from 'node:fs';
import { loadConfigOrExit } from '@periplus/base/config';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { createLogger } from '@periplus/base/telemetry';
import { connectJetStreamLog } from '@periplus/log/jetstream-log';
import { createSealer } from '@periplus/log/object-events';
import { connectApiserver } from './apiserver-lists.js';
import { verifierConfig } from './config.js';
import { verifyCluster } from './verify-cluster.js';

const config = loadConfigOrExit(verifierConfig);
const logger = createLogger('verifier', 'error');
const { natsCaFile, natsCertFile, natsKeyFile, clusterKeyFile } = config;
const connectLimitMs = 15_000;

const log = await connectJetStreamLog({
  servers: config.natsUrl,
  ...(natsCaFile && natsCertFile && natsKeyFile
    ? { tls: { caFile: natsCaFile, certFile: natsCertFile, keyFile: natsKeyFile } }
    : {}),
  time: systemTime,
  random: systemRandom,
  logger,
  signal: AbortSignal.timeout(connectLimitMs),
});
const sealer =
  clusterKeyFile === undefined
    ? undefined
    : createSealer({
        keyStore: log.keyStore,
        clusterKey: Buffer.from(readFileSync(clusterKeyFile, 'utf8').trim(), 'base64'),
        random: systemRandom,
      });
const apiservers = config.apiserver.map((address) => connectApiserver(address, config));
const print = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

try {
  print(await verifyCluster({ log, postgresUrl: config.postgresUrl, sealer, apiservers, onLine: print }));
} finally {
  for (const server of apiservers) server.close();
  await log.close();
}
