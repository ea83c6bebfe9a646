import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { eventLogContract } from '@periplus/log/event-log/testing';
import { startNats } from '@periplus/testing/services';
import { connectJetStreamLog } from './jetstream-log.js';

eventLogContract('JetStream', async () => {
  const nats = await startNats();
  const common = { servers: [nats.url], time: systemTime, random: systemRandom, logger: silentLogger };
  const log = await connectJetStreamLog({ ...common, clusterId: 'contract' });
  return {
    log,
    async stop() {
      await log.close();
      await nats.stop();
    },
  };
});
