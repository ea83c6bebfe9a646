import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Revision, toRevision } from '@periplus/api/meta';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import type { LogEntry } from '@periplus/log/event-log';
import { type NatsService, startNats } from '@periplus/testing/services';
import { connectJetStreamLog, type JetStreamLog } from './jetstream-log.js';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a log whose server comes back without its last entries', () => {
  let folder: string;
  let nats: NatsService;
  let log: JetStreamLog;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'periplus-rewound-'));
    nats = await startNats({ storeFolder: join(folder, 'store') });
    log = await connect();
  });
  afterEach(async () => {
    await log.close();
    await nats.stop();
    rmSync(folder, { recursive: true });
  });

  const connect = (): Promise<JetStreamLog> =>
    connectJetStreamLog({
      servers: [nats.url],
      time: systemTime,
      random: systemRandom,
      logger: silentLogger,
      clusterId: 'rewound',
    });

  async function append(name: string, to = log): Promise<Revision> {
    for (;;) {
      const batch = [{ subject: `objects.core.pods.default.${name}`, payload: Buffer.from(name) }];
      const outcome = await to.append('objects', batch).catch(() => undefined);
      if (outcome?.outcome === 'appended') return outcome.revisions[0]!;
      await pause(20);
    }
  }

  function follow() {
    const entries: LogEntry[] = [];
    const errors: unknown[] = [];
    log.follow('objects', toRevision(1), {
      onEntries: (portion) => void entries.push(...portion),
      onError: (error) => void errors.push((error as { code?: unknown }).code),
    });
    const until = async (condition: () => boolean): Promise<void> => {
      const deadline = performance.now() + 10_000;
      while (!condition()) {
        if (performance.now() > deadline) throw new Error(`not within 10 s: ${JSON.stringify(errors)}`);
        await pause(10);
      }
    };
    return { entries, errors, until };
  }

  /** Kills the server; what is done to its disk happens while it is away. */
  async function whileDown(work: () => void): Promise<void> {
    await nats.kill();
    work();
    await nats.restart();
  }
  const save = (): void => cpSync(join(folder, 'store'), join(folder, 'saved'), { recursive: true });
  function setBack(): void {
    rmSync(join(folder, 'store'), { recursive: true });
    cpSync(join(folder, 'saved'), join(folder, 'store'), { recursive: true });
  }

  it.each([
    ['and nothing new', 0],
    ['and others in their place', 1],
    ['and more others than there were', 5],
  ])('is not followed on: %s', async (_name, others) => {
    await append('kept');
    await whileDown(save);
    const { entries, errors, until } = follow();
    const lost = await append('lost');
    await until(() => entries.at(-1)?.revision === lost);
    await whileDown(setBack);
    if (others > 0) {
      const writer = await connect();
      for (let index = 0; index < others; index++) await append(`other-${index}`, writer);
      await writer.close();
    }
    await until(() => errors.length > 0);
    expect(errors).toEqual(['LOG_REWOUND']);
    expect(entries.at(-1)?.revision).toBe(lost);
  });

  it('is followed on when it has lost nothing, or only what was purged', async () => {
    await append('a');
    const { entries, errors, until } = follow();
    const last = await append('b');
    await until(() => entries.at(-1)?.revision === last);
    await whileDown(() => undefined);
    const more = await append('c');
    await until(() => entries.at(-1)?.revision === more);
    await log.purge('objects', 'objects.core.pods.default.c', toRevision(more + 1));
    await whileDown(() => undefined);
    const end = await append('d');
    await until(() => entries.at(-1)?.revision === end);
    expect(errors).toEqual([]);
  });
});
