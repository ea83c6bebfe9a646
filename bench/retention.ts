/**
 * What a log of full objects costs to keep, and what forgetting gives back: disk of NATS and Postgres, memory of nats-server,
 * start-up, rebuild, purge. `npx tsx bench/retention.ts [--entries 200000] [--versions 10] [--bytes 1500] [-o json]`, with servers
 * of its own in the temporary folder. Figures are for a million entries, scaled from what was measured.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import postgresClient from 'postgres';
import { toRevision } from '@periplus/api/meta';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import type { Append } from '@periplus/log/event-log';
import { connectJetStreamLog } from '@periplus/log/jetstream-log';
import { encodeObjectEvent, subjectOf } from '@periplus/log/object-events';
import { testEvent, testKey } from '@periplus/log/object-events/testing';
import { startNats, startPostgres } from '@periplus/testing/services';
import { createProjector, type Projector } from '@periplus/view/postgres-view';
import { type CompactionSource, createCompactor } from '@periplus/view/retention';

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '200000' },
    versions: { type: 'string', default: '10' },
    bytes: { type: 'string', default: '1500' },
    output: { type: 'string', short: 'o', default: 'table' },
  },
});
const entries = Number(values.entries);
const objects = Math.ceil(entries / Number(values.versions));
const perMillion = 1_000_000 / entries;
const batchSize = 500;
const common = { time: systemTime, random: systemRandom, logger: silentLogger };

/** Text that compresses about as well as the JSON of pods does. */
function filling(length: number): string {
  const words = ['spec', 'containers', 'image', 'registry', 'status', 'condition', 'lastTransitionTime', 'ports'];
  let text = '';
  while (text.length < length)
    text += `${words[Math.floor(Math.random() * words.length)]}${Math.random().toString(36)} `;
  return text.slice(0, length);
}

function writeOf(index: number): Append {
  const key = testKey(`pod-${index % objects}`);
  const content = { spec: { filling: filling(Number(values.bytes) - 150) } };
  return {
    subject: subjectOf(key),
    payload: encodeObjectEvent(testEvent({ key, content }, { requestId: `r${index}` })),
  };
}

function diskBytes(folder: string): number {
  return Number(execFileSync('du', ['-sb', folder], { encoding: 'utf8' }).split('\t')[0]);
}

/** Of the database, without Postgres' own log, which is bounded. */
async function databaseBytes(url: string): Promise<number> {
  const { searchParams } = new URL(url);
  const sql = postgresClient({
    host: searchParams.get('host') ?? '',
    port: Number(searchParams.get('port')),
    user: 'periplus',
    database: 'periplus',
    max: 1,
  });
  const [row] = await sql<{ size: string }[]>`select pg_database_size(current_database()) as size`;
  await sql.end();
  return Number(row!.size);
}

/** Of our own child of that name. */
function residentBytes(name: string): number {
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      if (!status.includes(`PPid:\t${process.pid}\n`) || !status.startsWith(`Name:\t${name.slice(0, 15)}\n`)) continue;
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1_024;
    } catch {
      // It ended while we looked.
    }
  }
  return 0;
}

async function timed<T>(work: () => Promise<T>): Promise<readonly [T, number]> {
  const started = performance.now();
  return [await work(), (performance.now() - started) / 1_000];
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
const rows: [string, string][] = [];
const note = (what: string, figure: string): void => {
  rows.push([what, figure]);
  if (values.output !== 'json') process.stdout.write(`${what.padEnd(62)} ${figure}\n`);
};

const folder = mkdtempSync(join(tmpdir(), 'periplus-bench-'));
chmodSync(folder, 0o711);
const postgresFolder = join(folder, 'postgres');
mkdirSync(postgresFolder, { mode: 0o711 });
const natsFolder = join(folder, 'nats');
const nats = await startNats({ storeFolder: natsFolder });
const postgres = await startPostgres({ dataFolder: postgresFolder });
try {
  const log = await connectJetStreamLog({ ...common, servers: [nats.url], clusterId: 'bench' });
  const emptyDatabase = await databaseBytes(postgres.url);
  const [, writeSeconds] = await timed(async () => {
    for (let at = 0; at < entries; at += batchSize) {
      const batch = Array.from({ length: Math.min(batchSize, objects, entries - at) }, (_, index) =>
        writeOf(at + index),
      );
      const outcome = await log.append('objects', batch);
      if (outcome.outcome !== 'appended') throw new Error(outcome.outcome);
    }
  });
  note(
    `entries written a second (${values.bytes} B objects, batches of ${batchSize})`,
    (entries / writeSeconds).toFixed(0),
  );
  const grown = diskBytes(natsFolder);
  note('NATS: disk for 1,000,000 entries', mebibytes(grown * perMillion));
  note('NATS: memory after writing them', mebibytes(residentBytes('nats-server')));
  const restart = async (): Promise<number> => {
    await nats.kill();
    const [, seconds] = await timed(() => nats.restart());
    await until(() => log.isConnected());
    return seconds;
  };
  const killed = await restart();
  note(
    'NATS: start after a kill, for 1,000,000 entries',
    `${(killed * perMillion).toFixed(1)} s (measured ${killed.toFixed(2)})`,
  );
  note('NATS: memory after that start, for 1,000,000 entries', mebibytes(residentBytes('nats-server') * perMillion));

  let source: CompactionSource | undefined;
  const projector: Projector = createProjector({
    ...common,
    log,
    postgresUrl: postgres.url,
    compact(given, signal) {
      source = given;
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
    },
  });
  const last = await log.lastRevision('objects');
  const [, buildSeconds] = await timed(async () => {
    void projector.run();
    await until(() => projector.position('objects') >= last);
  });
  note('Postgres: built from the log, entries a second', (entries / buildSeconds).toFixed(0));
  const built = (await databaseBytes(postgres.url)) - emptyDatabase;
  note('Postgres: disk for 1,000,000 entries', mebibytes(built * perMillion));
  await until(() => source !== undefined);

  const compactor = createCompactor({
    ...common,
    log,
    keyStore: log.keyStore,
    policy: { rule: { ageMs: 0, entriesMax: 1_000_000 }, overrides: new Map() },
    graceMs: 0,
    passLimitMs: 600_000,
  });
  const given = source!;
  const [, compactSeconds] = await timed(() => compactor.pass(given));
  const { purgedEntries } = compactor.stats;
  note(
    `compaction: entries purged a second (${values.versions} versions an object)`,
    (purgedEntries / compactSeconds).toFixed(0),
  );
  note('compaction: objects a second', (objects / compactSeconds).toFixed(0));
  note(
    'NATS: disk right after it',
    `${((diskBytes(natsFolder) / grown) * 100).toFixed(0)} % (entries: ${((100 * (entries - purgedEntries)) / entries).toFixed(0)} %)`,
  );
  const purged = await restart();
  note('NATS: start after a kill then', `${purged.toFixed(2)} s`);
  // JetStream rewrites blocks that are half empty at its own pace, every two minutes.
  await new Promise((resolve) => setTimeout(resolve, 150_000));
  note('NATS: disk 150 s later', `${((diskBytes(natsFolder) / grown) * 100).toFixed(0)} %`);
  const entry = await log.entry('objects', toRevision(last));
  if (entry === undefined) throw new Error('the last entry is gone');
  await projector.close();
  await log.close();
  if (values.output === 'json') process.stdout.write(`${JSON.stringify(Object.fromEntries(rows))}\n`);
} finally {
  await nats.stop();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}
