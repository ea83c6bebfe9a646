import { toRevision } from '@periplus/api/meta';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { eventLogContract } from '@periplus/log/event-log/testing';
import { genesisSubject } from '@periplus/log/object-events';
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

test('streams begin where they are told to, with their genesis, and stay so', async () => {
  const nats = await startNats();
  const common = { servers: [nats.url], time: systemTime, random: systemRandom, logger: silentLogger, clusterId: 'c' };
  const begin = (revision: number) => ({
    objects: toRevision(revision),
    leases: toRevision(7_000_000_000),
    events: toRevision(3),
  });
  const first = await connectJetStreamLog({ ...common, firstRevisions: begin(5_000_000_000) });
  await first.close();
  const log = await connectJetStreamLog({ ...common, firstRevisions: begin(1) });
  try {
    expect(await log.firstRevision('objects')).toBe(5_000_000_000);
    expect(await log.lastRevision('leases')).toBe(7_000_000_000);
    expect((await log.entry('events', toRevision(3)))?.subject).toBe(genesisSubject('events'));
    const append = { subject: 'objects.core.pods.default.a', payload: Buffer.from('1'), expected: toRevision(0) };
    expect(await log.append('objects', [append])).toEqual({ outcome: 'appended', revisions: [5_000_000_001] });
    const seen = await new Promise((resolve, reject) => {
      log.follow('objects', toRevision(1), {
        onEntries(entries) {
          if (entries.length > 1) resolve(entries.map((entry) => entry.revision));
        },
        onError: reject,
      });
    });
    expect(seen).toEqual([5_000_000_000, 5_000_000_001]);
  } finally {
    await log.close();
    await nats.stop();
  }
});
