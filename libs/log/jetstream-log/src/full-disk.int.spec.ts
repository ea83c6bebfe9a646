import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Revision, toRevision } from '@periplus/api/meta';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import type { LogEntry } from '@periplus/log/event-log';
import { createLosingDisk, losingDiskProblem, startNats } from '@periplus/testing/services';
import { connectJetStreamLog, type JetStreamLog } from './jetstream-log.js';

const common = { time: systemTime, random: systemRandom, logger: silentLogger };
const mebibyte = 1 << 20;

function subjectOf(count: number): string {
  return `objects.core.configmaps.default.m${count % 10}`;
}

/** Appends batches of `entryBytes` each until the log takes no more; what it acknowledged, and how it ended. */
async function fill(log: JetStreamLog, entryBytes: number) {
  const acknowledged: Revision[] = [];
  for (let count = 0; count < 2_000; count++) {
    const batch = [0, 1, 2].map((index) => ({
      subject: subjectOf(count + index),
      payload: Buffer.from(`${count}/${index} `.padEnd(entryBytes)),
    }));
    const outcome = await log.append('objects', batch).catch((error: unknown) => error as { code: string });
    if ('code' in outcome) return { acknowledged, ended: outcome.code };
    if (outcome.outcome !== 'appended') return { acknowledged, ended: outcome.outcome };
    acknowledged.push(...outcome.revisions);
  }
  throw new Error('the log did not get full');
}

async function readAll(log: JetStreamLog): Promise<readonly LogEntry[]> {
  const last = await log.lastRevision('objects');
  const entries: LogEntry[] = [];
  await new Promise<void>((resolve, reject) => {
    const follower = log.follow('objects', toRevision(1), {
      onEntries(portion) {
        entries.push(...portion);
        if (entries.at(-1)!.revision < last) return;
        follower.close();
        resolve();
      },
      onError: reject,
    });
  });
  return entries;
}

/** All that was acknowledged is there, and no part of a batch is. */
function expectWhole(entries: readonly LogEntry[], acknowledged: readonly Revision[]): void {
  const revisions = new Set<number>(entries.map((entry) => entry.revision));
  expect(acknowledged.filter((revision) => !revisions.has(revision))).toEqual([]);
  const parts = new Map<string, number>();
  for (const { payload } of entries) {
    const batch = Buffer.from(payload).toString('utf8', 0, 20).split('/')[0]!;
    if (/^\d+$/.test(batch)) parts.set(batch, (parts.get(batch) ?? 0) + 1);
  }
  expect([...parts].filter(([, count]) => count !== 3)).toEqual([]);
}

const append = (log: JetStreamLog) => log.append('objects', [{ subject: subjectOf(0), payload: Buffer.from('more') }]);

describe('a log that may hold no more', () => {
  it('says so, is read on, and takes more as soon as there is room', async () => {
    const nats = await startNats({ storeBytesMax: 8 * mebibyte });
    const log = await connectJetStreamLog({ ...common, servers: [nats.url], clusterId: 'full' });
    try {
      const { acknowledged, ended } = await fill(log, 20_000);
      expect(ended).toBe('LOG_FULL');
      expectWhole(await readAll(log), acknowledged);
      await expect(append(log)).rejects.toMatchObject({ code: 'LOG_FULL' });
      await expect(log.keyStore.putIfAbsent('id', Uint8Array.of(1))).rejects.toMatchObject({ code: 'LOG_FULL' });
      const half = acknowledged[acknowledged.length >> 1]!;
      for (let count = 0; count < 10; count++) await log.purge('objects', subjectOf(count), half);
      expect((await append(log)).outcome).toBe('appended');
    } finally {
      await log.close();
      await nats.stop();
    }
  });
});

const problem = losingDiskProblem();
const describeWithDisk = problem === undefined ? describe : describe.skip;

describeWithDisk(`a log whose disk is full${problem === undefined ? '' : ` (skipped: ${problem})`}`, () => {
  it('refuses writes, is read on, and after a restart with room has all that was acknowledged', async () => {
    const disk = await createLosingDisk();
    const nats = await startNats({ storeFolder: join(disk.folder, 'store') });
    const log = await connectJetStreamLog({ ...common, servers: [nats.url], clusterId: 'full' });
    try {
      const ballast = join(disk.folder, 'ballast');
      await writeFile(ballast, Buffer.alloc(200 * mebibyte, 1));
      const { acknowledged, ended } = await fill(log, 200_000);
      // The answer to the first write that fails never comes: it may be there.
      expect(ended).toBe('unknown');
      const asked = performance.now();
      await expect(append(log)).rejects.toMatchObject({ code: 'LOG_FULL' });
      expect(performance.now() - asked).toBeLessThan(1_000);
      expectWhole(await readAll(log), acknowledged);
      await rm(ballast);
      await nats.kill();
      await nats.restart();
      for (let tries = 0; ; tries++) {
        const outcome = await append(log).catch(() => undefined);
        if (outcome?.outcome === 'appended') break;
        if (tries > 500) throw new Error('the log does not come back');
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      expectWhole(await readAll(log), acknowledged);
    } finally {
      await log.close();
      await nats.stop();
      await disk.remove();
    }
  }, 60_000);
});
