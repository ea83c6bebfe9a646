/** `periplus backup`: all that a running cluster's log has, in a file; the next time only what is new. */
import { createHash } from 'node:crypto';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { stateRoot } from '@periplus/ops/dependencies';
import { withFileLock } from '@periplus/ops/processes';
import { type ArchivistReports, type Hints, logArguments, runArchivist } from '../cluster/archivist.js';
import { readBuild } from '../cluster/build-note.js';
import { type CommandContext, commandLine, requireRoot, runningCluster } from '../cluster/context.js';
import { onInterruption } from '../cluster/interruption.js';
import { endAbandonedArchivists } from '../cluster/leftovers.js';
import { usageError } from '../output/command-error.js';
import { createProgress, type OutputFormat } from '../output/progress.js';
import { counted, formatBytes } from '../output/text-table.js';

export interface BackupOptions {
  readonly name: string;
  readonly output: OutputFormat;
  readonly full: boolean;
  readonly check: boolean;
}

const lockWaitMs = 10 * 60_000;

/** Not beside the file: not every file system there is has symbolic links. */
function lockOf(file: string): string {
  const place = join(realpathSync(dirname(file)), basename(file));
  return join(stateRoot, `.backup-${createHash('sha256').update(place).digest('hex').slice(0, 16)}.lock`);
}

function hintsOf(file: string, name: string): Hints {
  const command = commandLine(`backup --full ${file}`, name);
  const anew = `Begin it anew: ${command}`;
  return {
    HISTORY_GONE: `${anew}\nOr begin another file. The one that is there stays good for what it has.`,
    OTHER_LOG: `Name another file for this cluster. Or give up what is in this one: ${command}`,
    ARCHIVE_DAMAGED: `What is before that place can not be told from here. ${anew}`,
    NOT_AN_ARCHIVE: 'Name a file that is not there yet, or one that this command made.',
  };
}

/** What `check` and `restore` can be told of a file. */
export const readingHints: Hints = {
  NOT_AN_ARCHIVE: 'Name a file that ./periplus backup made, and not the FILE.keys beside it.',
  ARCHIVE_EMPTY: 'Its first back-up did not end. The next one begins it anew: ./periplus backup FILE',
  ARCHIVE_DAMAGED: 'Take another copy of the file: nothing of this one is made into a cluster.',
  OUT_OF_REACH: 'Which moments it has: ./periplus backup --check FILE',
  OTHER_LOG: 'FILE and FILE.keys belong together: put back the ones that were made by the same back-up.',
};

/** Fails as wrong usage where no file can be. */
export function fileArgument(path: string): string {
  const file = resolve(path);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile()) throw usageError(`${file} is no file`);
  if (!existsSync(dirname(file))) throw usageError(`the folder ${dirname(file)} does not exist`);
  return file;
}

function describeSaved(name: string, file: string, report: ArchivistReports['save']): string {
  const { entries, bytes, run, revision, from, keys, totalEntries, size, unreadable, torn } = report;
  return [
    ...(torn > 0 ? [`An earlier run had not ended: ${formatBytes(torn)} of it were cut off.`] : []),
    entries === 0
      ? `Nothing is new in cluster ${name} since revision ${from}.`
      : `Saved ${counted(entries, 'new entry', 'new entries')} of cluster ${name} (${formatBytes(bytes)}), up to revision ${revision}.`,
    `${file} has ${counted(totalEntries, 'entry', 'entries')} of ${counted(run, 'back-up', 'back-ups')} (${formatBytes(size)}).`,
    ...(unreadable > 0 ? [`${unreadable} of the new ones can not be read by anybody; they are kept as they are.`] : []),
    `The cluster's key and ${counted(keys, 'key of a Secret', 'keys of Secrets')} are in ${file}.keys: keep it apart. With both, Secrets can be read.`,
  ].join('\n');
}

function describeChecked(file: string, report: ArchivistReports['check']): string {
  const { clusterId, runs, saved, size, earliest, latest, entries, torn } = report;
  return [
    `${file} is sound: cluster ${clusterId}, ${counted(entries, 'change', 'changes')} of objects, ${counted(runs, 'back-up', 'back-ups')} (${formatBytes(size)}), the last one of ${saved}.`,
    `It restores any moment from ${earliest.time} (revision ${earliest.revision}) to ${latest.time} (revision ${latest.revision}).`,
    ...(torn > 0
      ? [`Behind that are ${formatBytes(torn)} of a run that did not end; the next one cuts them off.`]
      : []),
  ].join('\n');
}

export async function backup(context: CommandContext, path: string, options: BackupOptions): Promise<void> {
  const { name, output, full } = options;
  if (options.check && full) throw usageError('check a file or begin it anew, not both');
  const file = fileArgument(path);
  const build = readBuild(context.repositoryRoot);
  const progress = createProgress(output, 'backup');
  if (options.check) {
    if (!existsSync(file)) throw usageError(`${file} does not exist`);
    const report = await progress.step('Check', (note) => runArchivist(build, 'check', file, [], note, readingHints));
    return progress.result({ file, ...report }, describeChecked(file, report));
  }
  requireRoot('backup', 'backup');
  if (`${realpathSync(dirname(file))}/`.startsWith(`${stateRoot}/`))
    throw usageError(`${file} would be lost with what it is a back-up of`, 'Name a file on another disk, or machine.');
  const { plan, paths } = runningCluster(name);
  onInterruption(() => [`${file} is as it was before, but for an end that the next back-up cuts off.`]);
  const onWait = ({ pid }: { readonly pid: number }) =>
    progress.note(`Waiting for another back-up into the file (process ${pid}) …`);
  await withFileLock(
    lockOf(file),
    async () => {
      await endAbandonedArchivists('save', file);
      const args = [
        ...['--cluster-id', name, '--keys-file', `${file}.keys`, '--notes', `index=${plan.index}`],
        ...logArguments(plan, paths),
        ...(full ? ['--full'] : []),
      ];
      const report = await progress.step('Back-up', (note) =>
        runArchivist(build, 'save', file, args, note, hintsOf(file, name)),
      );
      progress.result({ cluster: name, file, keysFile: `${file}.keys`, ...report }, describeSaved(name, file, report));
    },
    { waitMs: lockWaitMs, onWait },
  );
}
