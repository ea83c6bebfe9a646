/** `periplus down`: nothing of the cluster runs any more; with --purge, nothing of it is left. */
import { readClusterPlan } from '@periplus/ops/dependencies';
import { bringDown, purge } from '../cluster/bring-down.js';
import { readBuild } from '../cluster/build-note.js';
import { withClusterLock } from '../cluster/cluster-lock.js';
import { type CommandContext, commandLine, namedCluster, requireRoot } from '../cluster/context.js';
import { onInterruption } from '../cluster/interruption.js';
import { createProgress, type OutputFormat, type Progress } from '../output/progress.js';

export interface DownOptions {
  readonly name: string;
  readonly output: OutputFormat;
  readonly purge: boolean;
}

async function takeDown(context: CommandContext, options: DownOptions, progress: Progress): Promise<void> {
  const { name } = options;
  const cluster = namedCluster(name);
  // Asked again for a cluster that is gone already, or never came to be, there is nothing to end.
  const known = readClusterPlan(cluster.paths) !== undefined;
  if (known) await bringDown(cluster, readBuild(context.repositoryRoot), progress);
  const purged = options.purge && (await purge(cluster, progress));
  if (purged) return progress.result({ cluster: name, state: 'absent' }, `Cluster ${name} is gone.`);
  if (!known) return progress.result({ cluster: name, state: 'absent' }, `There is no cluster ${name}.`);
  return progress.result(
    { cluster: name, state: 'down' },
    `Cluster ${name} is down; its state is kept. Next: ${commandLine('up', name)}, or ${commandLine('down --purge', name)}`,
  );
}

export async function down(context: CommandContext, options: DownOptions): Promise<void> {
  requireRoot('down', 'down');
  namedCluster(options.name);
  const progress = createProgress(options.output, 'down');
  const again = commandLine(options.purge ? 'down --purge' : 'down', options.name);
  onInterruption(() => [`Cluster ${options.name} is partly down. Go on: ${again}`]);
  await withClusterLock(
    options.name,
    (message) => progress.note(message),
    () => takeDown(context, options, progress),
  );
}
