import { toRevision } from '@periplus/api/meta';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { type CommitOutcome, createGroupCommitter, type LogEntry } from '@periplus/log/event-log';
import { ensureGenesis } from '@periplus/log/object-events';
import { type NatsService, startNats } from '@periplus/testing/services';
import { connectJetStreamLog, type JetStreamLog } from './jetstream-log.js';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(condition: () => boolean, what: string, limitMs = 15_000): Promise<void> {
  const started = performance.now();
  while (!condition()) {
    if (performance.now() - started > limitMs) throw new Error(`${what}: not within ${limitMs} ms`);
    await pause(5);
  }
}

describe('a log whose server is killed', () => {
  let nats: NatsService;
  let log: JetStreamLog;

  beforeEach(async () => {
    nats = await startNats();
    const common = { servers: [nats.url], time: systemTime, random: systemRandom, logger: silentLogger };
    log = await connectJetStreamLog({ ...common, clusterId: 'outage' });
  });
  afterEach(async () => {
    await log.close();
    await nats.stop();
  });

  function collect(): LogEntry[] {
    const entries: LogEntry[] = [];
    log.follow('objects', toRevision(1), {
      onEntries: (portion) => void entries.push(...portion),
      onError: (error) => {
        throw error;
      },
    });
    return entries;
  }

  it('says so at once while it is away, and appends within a second of its return', async () => {
    const append = { subject: 'objects.core.pods.default.a', payload: Buffer.from('1') };
    expect((await log.append('objects', [append])).outcome).toBe('appended');
    await nats.kill();
    await until(() => !log.isConnected(), 'the loss of the connection');
    const asked = performance.now();
    await expect(log.append('objects', [append])).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    await expect(log.lastRevision('objects')).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    expect(performance.now() - asked).toBeLessThan(50);
    await pause(1_500);
    await nats.restart();
    const returned = performance.now();
    for (;;) {
      const outcome = await log.append('objects', [append]).catch(() => undefined);
      if (outcome?.outcome === 'appended') break;
      await pause(10);
    }
    expect(performance.now() - returned).toBeLessThan(1_000);
  });

  it('loses nothing that was acknowledged, doubles nothing, and its follower sees all of it once', async () => {
    const entries = collect();
    const view = {
      lastRevisionOf: (subject: string) =>
        entries.findLast((entry) => entry.subject === subject)?.revision ?? toRevision(0),
      appliedRevision: () => entries[entries.length - 1]?.revision ?? toRevision(0),
      async waitFor(_stream: string, revision: number, limitMs: number) {
        const started = performance.now();
        while ((entries[entries.length - 1]?.revision ?? 0) < revision) {
          if (performance.now() - started > limitMs) return false;
          await pause(2);
        }
        return true;
      },
    };
    const committer = createGroupCommitter({ log, stream: 'objects', view, time: systemTime, random: systemRandom });
    const answers: { payload: string; outcome: CommitOutcome | 'rejected' }[] = [];
    let stopped = false;
    async function writer(name: number): Promise<void> {
      for (let count = 0; !stopped; count++) {
        const payload = `${name}/${count}`;
        const subject = `objects.core.pods.default.w${name}-${count}`;
        const outcome = await committer
          .commit([{ subject, payload: Buffer.from(payload), expected: toRevision(0) }])
          .catch(() => 'rejected' as const);
        answers.push({ payload, outcome });
        if (outcome === 'rejected') await pause(20);
      }
    }
    const writers = Array.from({ length: 16 }, (_, name) => writer(name));
    for (let kill = 0; kill < 5; kill++) {
      await pause(200 + kill * 30);
      await nats.kill();
      await pause(100);
      await nats.restart();
      const before = answers.filter(({ outcome }) => typeof outcome === 'object').length;
      await until(
        () => answers.filter(({ outcome }) => typeof outcome === 'object').length > before + 50,
        'writes after the restart',
      );
    }
    stopped = true;
    await Promise.all(writers);
    const last = await log.lastRevision('objects');
    await until(() => entries[entries.length - 1]?.revision === last, 'the follower');
    expect(entries.map((entry) => entry.revision)).toEqual(entries.map((_, index) => index + 1));
    const places = new Map<string, number[]>();
    for (const entry of entries) {
      const text = Buffer.from(entry.payload).toString();
      places.set(text, [...(places.get(text) ?? []), entry.revision]);
    }
    const kept = answers.filter(({ outcome }) => outcome !== 'rejected' && outcome.outcome === 'appended');
    expect(kept.length).toBeGreaterThan(500);
    const wrong = answers.filter(({ payload, outcome }) => {
      const found = places.get(payload) ?? [];
      if (outcome === 'rejected' || outcome.outcome === 'conflict') return found.length > 0;
      if (outcome.outcome === 'unknown') return found.length > 1;
      return found.length !== 1 || found[0] !== outcome.revisions[0];
    });
    expect(wrong).toEqual([]);
    // Every subject was new: a refusal would have been a false one.
    expect(answers.filter(({ outcome }) => outcome !== 'rejected' && outcome.outcome === 'conflict')).toEqual([]);
  }, 60_000);
});

describe('a log on a server that is there', () => {
  let nats: NatsService;
  let log: JetStreamLog;
  const common = { time: systemTime, random: systemRandom, logger: silentLogger };

  beforeAll(async () => {
    nats = await startNats();
    log = await connectJetStreamLog({ ...common, servers: [nats.url], clusterId: 'here' });
  });
  afterAll(async () => {
    await log.close();
    await nats.stop();
  });

  it('lets one of 32 writers on several connections win each of 100 rounds', async () => {
    const others = await Promise.all([1, 2, 3].map(() => connectJetStreamLog({ ...common, servers: [nats.url] })));
    const logs = [log, ...others];
    let last = toRevision(0);
    for (let round = 0; round < 100; round++) {
      const outcomes = await Promise.all(
        Array.from({ length: 32 }, (_, writer) =>
          logs[writer % logs.length]!.append('objects', [
            { subject: 'objects.core.pods.default.race', payload: Buffer.from(`${round}/${writer}`), expected: last },
          ]),
        ),
      );
      const won = outcomes.flatMap((outcome) => (outcome.outcome === 'appended' ? outcome.revisions : []));
      expect(won).toHaveLength(1);
      last = won[0]!;
    }
    await Promise.all(others.map((other) => other.close()));
  });

  it('has a genesis in each stream, and only one however often it is made', async () => {
    await ensureGenesis(log, 'here', systemTime);
    const again = await connectJetStreamLog({ ...common, servers: [nats.url], clusterId: 'here' });
    for (const stream of ['leases', 'events'] as const) expect(await again.lastRevision(stream)).toBe(1);
    expect((await again.entry('objects', toRevision(1)))?.subject).toBe('system.objects.genesis');
    await again.close();
  });

  it('has a place for keys from the start, also for who only sweeps them', async () => {
    const sweeper = await connectJetStreamLog({ ...common, servers: [nats.url] });
    expect(await sweeper.keyStore.list(Date.now() + 60_000)).toEqual([]);
    await sweeper.close();
  });

  it('keeps the first key of an object, gives it to everyone, and destroys it for good', async () => {
    const { keyStore } = log;
    const [first, second] = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)];
    expect(await keyStore.get('id with spaces.*')).toBeUndefined();
    expect(await keyStore.putIfAbsent('id with spaces.*', first)).toEqual(first);
    expect(await keyStore.putIfAbsent('id with spaces.*', second)).toEqual(first);
    const other = await connectJetStreamLog({ ...common, servers: [nats.url] });
    expect(await other.keyStore.get('id with spaces.*')).toEqual(first);
    await keyStore.putIfAbsent('another', first);
    expect([...(await keyStore.list(Date.now() + 60_000))].sort()).toEqual(['another', 'id with spaces.*']);
    expect(await keyStore.list(Date.now() - 60_000)).toEqual([]);
    await other.keyStore.delete('id with spaces.*');
    await other.keyStore.delete('id with spaces.*');
    expect(await keyStore.list(Date.now() + 60_000)).toEqual(['another']);
    await other.keyStore.delete('another');
    expect(await keyStore.list(Date.now() + 60_000)).toEqual([]);
    await other.close();
    expect(await keyStore.get('id with spaces.*')).toBeUndefined();
  });
});
