/** Puts each task together: the log, the file, and the file of keys. */
import { readFile, rename, rm, stat } from 'node:fs/promises';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { connectJetStreamLog, type JetStreamLog, type JetStreamLogOptions } from '@periplus/log/jetstream-log';
import { parsePointInTime } from '@periplus/server/storage';
import {
  ArchiveError,
  type ArchiveSurvey,
  openArchive,
  restoreKeys,
  restoreLog,
  type SavedMoment,
  saveKeys,
  saveLog,
  surveyArchive,
} from '@periplus/view/archive';
import type { ArchivistConfig } from './config.js';
import { type DiskFile, openDiskFile, syncFolderOf } from './disk-file.js';
import {
  type ArchivistLine,
  type CheckReport,
  createProgressLines,
  formatBytes,
  type MomentReport,
  percent,
} from './report.js';

export interface TaskParts {
  readonly config: ArchivistConfig;
  readonly say: (line: ArchivistLine) => void;
  readonly signal: AbortSignal;
}

const connectLimitMs = 20_000;
const time = systemTime;

function connect(parts: TaskParts, more: Partial<JetStreamLogOptions> = {}): Promise<JetStreamLog> {
  const { natsUrl, natsCaFile: caFile, natsCertFile: certFile, natsKeyFile: keyFile } = parts.config;
  return connectJetStreamLog({
    servers: natsUrl,
    ...(caFile && certFile && keyFile ? { tls: { caFile, certFile, keyFile } } : {}),
    time,
    random: systemRandom,
    logger: silentLogger,
    signal: AbortSignal.any([parts.signal, AbortSignal.timeout(connectLimitMs)]),
    ...more,
  });
}

async function withFile<T>(path: string, purpose: 'read' | 'save', work: (file: DiskFile) => Promise<T>): Promise<T> {
  const file = await openDiskFile(path, purpose);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

/** Replaces `path` by what `work` wrote into a file beside it, whole or not at all. */
async function replaceWith<T>(path: string, work: (file: DiskFile) => Promise<T>): Promise<T> {
  const beside = `${path}.new`;
  await rm(beside, { force: true });
  try {
    const result = await withFile(beside, 'save', work);
    await rename(beside, path);
    await syncFolderOf(path);
    return result;
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

const momentOf = ({ revision, timeMs }: SavedMoment): MomentReport => ({
  revision,
  time: new Date(timeMs).toISOString(),
});

const notesOf = (notes: readonly string[]): Record<string, string> =>
  Object.fromEntries(notes.map((note) => [note.split('=', 1)[0] ?? '', note.slice(note.indexOf('=') + 1)]));

async function readClusterKey(path: string): Promise<Uint8Array> {
  return Uint8Array.from(Buffer.from((await readFile(path, 'utf8')).trim(), 'base64'));
}

export async function save(parts: TaskParts): Promise<void> {
  const { config, say, signal } = parts;
  const { file: path, keysFile, clusterId = '', clusterKeyFile, full, notes } = config;
  const progress = createProgressLines(say, () => time.monotonic());
  const log = await connect(parts);
  try {
    const run = async (file: DiskFile): Promise<void> => {
      let keys = 0;
      const outcome = await saveLog({
        log,
        file,
        clusterId,
        notes: notesOf(notes),
        time,
        signal,
        onProgress: ({ stream, revision, target, entries, bytes }) =>
          progress(
            () => `${stream}: revision ${revision} of ${target}, ${entries} entries, ${formatBytes(bytes)} so far`,
          ),
        async saveKeys(header) {
          if (keysFile === undefined || clusterKeyFile === undefined) return;
          const clusterKey = await readClusterKey(clusterKeyFile);
          keys = await replaceWith(keysFile, (keyFile) => saveKeys(keyFile, header, clusterKey, log.keyStore));
        },
      });
      const { mark, from, entries, bytes, unreadable, torn } = outcome;
      const size = await file.size();
      say({
        type: 'saved',
        report: {
          ...{ clusterId, run: mark.run, entries, bytes, totalEntries: mark.entries, size, from },
          ...{ revision: mark.positions.objects.position, time: new Date(mark.timeMs).toISOString() },
          ...{ keys, unreadable, torn },
        },
      });
    };
    await (full ? replaceWith(path, run) : withFile(path, 'save', run));
  } finally {
    await log.close();
  }
}

async function survey(parts: TaskParts, file: DiskFile): Promise<ArchiveSurvey> {
  const { config, say, signal } = parts;
  const progress = createProgressLines(say, () => time.monotonic());
  const to = config.to === undefined ? undefined : parsePointInTime(config.to, time.now());
  return surveyArchive(file, to, (done, total) => {
    signal.throwIfAborted();
    progress(() => `checked ${formatBytes(done)} of ${formatBytes(total)}, ${percent(done, total)} %`);
  });
}

async function reportOf(found: ArchiveSurvey, file: DiskFile): Promise<CheckReport> {
  const { archive, header, mark, earliest, latest, cut, entries, inexact } = found;
  return {
    clusterId: header.clusterId,
    notes: header.notes,
    runs: mark.run,
    saved: new Date(mark.timeMs).toISOString(),
    size: await file.size(),
    earliest: momentOf(earliest),
    latest: momentOf(latest),
    cut: momentOf(cut),
    entries,
    inexact,
    torn: archive.torn,
  };
}

/** What the file says of itself, without reading all of it. */
export async function look({ config, say }: TaskParts): Promise<void> {
  await withFile(config.file, 'read', async (file) => {
    const archive = await openArchive(file);
    if (archive?.mark === undefined) throw new ArchiveError('ARCHIVE_EMPTY', 'no run into it has ended');
    const { clusterId, notes } = archive.header;
    say({ type: 'looked', report: { clusterId, notes, saved: new Date(archive.mark.timeMs).toISOString() } });
  });
}

export async function check(parts: TaskParts): Promise<void> {
  await withFile(parts.config.file, 'read', async (file) => {
    parts.say({ type: 'checked', report: await reportOf(await survey(parts, file), file) });
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Without a file of keys the cluster keeps the key that it was made with, which opens nothing of the past. */
async function bringKeysBack(parts: TaskParts, found: ArchiveSurvey, log: JetStreamLog): Promise<number | undefined> {
  const { keysFile, clusterKeyFile } = parts.config;
  if (keysFile === undefined || clusterKeyFile === undefined || !(await exists(keysFile))) return undefined;
  return withFile(keysFile, 'read', async (file) => {
    const { clusterKey, keys } = await restoreKeys(file, found.header, log.keyStore);
    const text = Buffer.from(`${Buffer.from(clusterKey).toString('base64')}\n`);
    await replaceWith(clusterKeyFile, async (keyFile) => {
      await keyFile.write(0, text);
      await keyFile.sync();
    });
    return keys;
  });
}

export async function restore(parts: TaskParts): Promise<void> {
  const { config, say, signal } = parts;
  const { clusterId } = config;
  const progress = createProgressLines(say, () => time.monotonic());
  await withFile(config.file, 'read', async (file) => {
    const found = await survey(parts, file);
    const log = await connect(parts, { clusterId, firstRevisions: found.firstRevisions });
    try {
      const keys = await bringKeysBack(parts, found, log);
      const outcome = await restoreLog({
        file,
        survey: found,
        log,
        time,
        onProgress({ entries, total }) {
          signal.throwIfAborted();
          progress(() => `restored ${entries} of ${total} entries, ${percent(entries, total)} %`);
        },
      });
      say({
        type: 'restored',
        report: {
          from: found.header.clusterId,
          cut: momentOf(found.cut),
          ...outcome,
          ...(keys === undefined ? {} : { keys }),
          inexact: found.inexact,
        },
      });
    } finally {
      await log.close();
    }
  });
}
