import { toRevision } from '@periplus/api/meta';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { type NatsCluster, startNatsCluster } from '@periplus/testing/services';
import type { StreamInfo } from './ensure-stream.js';
import { connectJetStreamLog, type JetStreamLog } from './jetstream-log.js';
import { connectNats } from './nats-connection.js';

describe('a log that gets copies while it is in use', () => {
  const common = { time: systemTime, random: systemRandom, logger: silentLogger };
  const subject = 'objects.core.pods.default.a';
  let nats: NatsCluster;
  const open: JetStreamLog[] = [];

  async function connect(replicas: number): Promise<JetStreamLog> {
    const log = await connectJetStreamLog({ ...common, servers: nats.urls, replicas, clusterId: 'growing' });
    open.push(log);
    return log;
  }
  async function copiesOf(stream: string): Promise<number> {
    const connection = await connectNats({ ...common, servers: nats.urls });
    const { config } = await connection.api<StreamInfo>(`STREAM.INFO.${stream}`);
    await connection.close();
    return config.num_replicas;
  }

  beforeAll(async () => {
    nats = await startNatsCluster();
  });
  afterAll(async () => {
    for (const log of open) await log.close();
    await nats.stop();
  });

  it('keeps what it has, takes no copy away again, and loses nothing with a server', async () => {
    const single = await connect(1);
    await single.keyStore.putIfAbsent('key', Uint8Array.of(1));
    await single.append('objects', [{ subject, payload: Buffer.from('1') }]);
    const replicated = await connect(3);
    await connect(1);
    for (const stream of ['objects', 'leases', 'events', 'KV_periplus-keys']) expect(await copiesOf(stream)).toBe(3);

    const outcome = await replicated.append('objects', [{ subject, payload: Buffer.from('2') }]);
    const [revision] = outcome.outcome === 'appended' ? outcome.revisions : [];
    // Asked of a quorum now, also by who came when there was one copy: a barrier is behind it.
    expect(await single.lastRevision('objects')).toBeGreaterThan(revision!);
    await nats.servers[0]!.kill();
    const started = performance.now();
    let found: unknown;
    while (found === undefined && performance.now() - started < 20_000)
      found = await replicated.entry('objects', toRevision(revision!)).catch(() => undefined);
    expect(found).toMatchObject({ subject });
    let key: unknown;
    while (key === undefined && performance.now() - started < 20_000)
      key = await replicated.keyStore.get('key').catch(() => undefined);
    expect(key).toEqual(Uint8Array.of(1));
  }, 60_000);
});
