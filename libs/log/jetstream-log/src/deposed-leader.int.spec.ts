import { setTimeout as pause } from 'node:timers/promises';
import { toRevision } from '@periplus/api/meta';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import type { AppendOutcome, LogEntry } from '@periplus/log/event-log';
import { type NatsCluster, startNatsCluster } from '@periplus/testing/services';
import { connectJetStreamLog, type JetStreamLog } from './jetstream-log.js';
import { connectNats } from './nats-connection.js';

const common = { time: systemTime, random: systemRandom, logger: silentLogger };
const unavailable = { code: 'LOG_UNAVAILABLE' };

/** The index of the server that leads what is asked for, by its own word. */
async function leaderOf(nats: NatsCluster, stream: string): Promise<number> {
  const connection = await connectNats({ ...common, servers: nats.urls });
  const { cluster } = await connection.api<{ cluster: { leader: string } }>(`STREAM.INFO.${stream}`);
  await connection.close();
  return Number(cluster.leader.slice(1));
}

describe('a leader that was cut off from the other servers', () => {
  let nats: NatsCluster;
  /** Reaches the old leader alone. */
  let minority: JetStreamLog;
  let majority: JetStreamLog;
  const subject = 'objects.core.pods.default.a';
  let cut: number;

  async function write(log: JetStreamLog, text: string): Promise<AppendOutcome | 'unavailable'> {
    return log.append('objects', [{ subject, payload: Buffer.from(text) }]).catch(() => 'unavailable' as const);
  }

  /** Tries again while the log is away. */
  async function inTime<T>(what: string, work: () => Promise<T | undefined>): Promise<T> {
    const started = performance.now();
    for (;;) {
      const done = await work().catch((error: { code?: unknown }) => {
        if (error.code !== 'LOG_UNAVAILABLE') throw error;
      });
      if (done !== undefined) return done;
      if (performance.now() - started > 20_000) throw new Error(`${what}: not within 20 s`);
      await pause(50);
    }
  }
  const writeInTime = (text: string): Promise<number> =>
    inTime('a write of the majority', async () => {
      const outcome = await write(majority, text);
      return typeof outcome === 'object' && outcome.outcome === 'appended' ? outcome.revisions[0] : undefined;
    });

  beforeAll(async () => {
    nats = await startNatsCluster();
    const first = await connectJetStreamLog({ ...common, servers: nats.urls, replicas: 3, clusterId: 'deposed' });
    await first.keyStore.putIfAbsent('old', Uint8Array.of(1));
    await first.close();
    cut = await leaderOf(nats, 'objects');
    const others = nats.urls.filter((_url, index) => index !== cut);
    minority = await connectJetStreamLog({ ...common, servers: [nats.urls[cut]!] });
    majority = await connectJetStreamLog({ ...common, servers: others });
    await minority.keyStore.get('old');
    await majority.keyStore.get('old');
  }, 60_000);
  afterAll(async () => {
    await minority.close();
    await majority.close();
    await nats.stop();
  });

  it('tells no reader the past for the present, takes no write, and comes back to the line of the others', async () => {
    const entries: LogEntry[] = [];
    minority.follow('objects', toRevision(1), {
      onEntries: (portion) => void entries.push(...portion),
      onError: (error) => {
        throw error;
      },
    });
    expect(await write(minority, 'before')).toMatchObject({ outcome: 'appended' });
    const before = await minority.lastRevision('objects');

    await nats.lab.partition(
      [cut],
      [0, 1, 2].filter((index) => index !== cut),
    );
    const lost = write(minority, 'lost');
    const refused = expect(minority.lastRevision('objects')).rejects.toMatchObject(unavailable);
    const acknowledged = await writeInTime('kept');
    for (let count = 0; count < 20; count++) await writeInTime(`kept ${count}`);
    await inTime('a key', () => majority.keyStore.putIfAbsent('new', Uint8Array.of(2)));

    // The danger is real: it answers, and from the past. (After twenty seconds it would have noticed.)
    const stale = await minority.observedRevision('objects').catch(() => undefined);
    if (stale !== undefined) expect(stale).toBeLessThan(acknowledged);
    await refused;
    expect(await lost).not.toMatchObject({ outcome: 'appended' });
    await Promise.all([
      expect(minority.lastRevision('objects')).rejects.toMatchObject(unavailable),
      expect(minority.lastRevisionOf('objects', subject)).rejects.toMatchObject(unavailable),
      expect(minority.keyStore.get('new')).rejects.toMatchObject(unavailable),
    ]);
    expect(await write(minority, 'late')).not.toMatchObject({ outcome: 'appended' });

    await nats.lab.heal();
    expect(await inTime('a read', () => minority.lastRevision('objects'))).toBeGreaterThan(acknowledged);
    expect(await inTime('the key', () => minority.keyStore.get('new'))).toEqual(Uint8Array.of(2));
    expect(await minority.keyStore.get('none')).toBeUndefined();
    const last = await majority.lastRevision('objects');
    await inTime('the follower', () =>
      Promise.resolve((entries[entries.length - 1]?.revision ?? 0) >= last || undefined),
    );
    expect(entries.map((entry) => entry.revision)).toEqual(entries.map((_entry, index) => index + 1));
    // What was tried again after a lost answer, without an expectation, may be there twice.
    const texts = entries
      .filter((entry) => entry.subject === subject)
      .map(({ payload }) => Buffer.from(payload).toString())
      .filter((text, index, all) => text !== all[index - 1]);
    expect(texts).toEqual(['before', 'kept', ...Array.from({ length: 20 }, (_unused, count) => `kept ${count}`)]);
    expect(before).toBeLessThan(acknowledged);
  }, 90_000);
});
