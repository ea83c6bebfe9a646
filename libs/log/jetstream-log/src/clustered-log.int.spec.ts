import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { eventLogContract } from '@periplus/log/event-log/testing';
import { startNatsCluster } from '@periplus/testing/services';
import { connectJetStreamLog } from './jetstream-log.js';

eventLogContract('JetStream on three servers', async () => {
  const nats = await startNatsCluster();
  const common = { servers: nats.urls, time: systemTime, random: systemRandom, logger: silentLogger };
  const log = await connectJetStreamLog({ ...common, replicas: 3, clusterId: 'contract' });
  return {
    log,
    async stop() {
      await log.close();
      await nats.stop();
    },
  };
});
