/** `periplus down`: nothing of the cluster runs any more; with --purge, nothing of it is left. */
import { bringDown, purge } from '../cluster/bring-down.js';
import { readBuild } from '../cluster/build-note.js';
import { withClusterLock } from '../cluster/cluster-lock.js';
import { type CommandContext, commandLine, knownCluster, namedCluster, requireRoot } from '../cluster/context.js';
import { readClusterPlan } from '@periplus/ops/dependencies';
import { createProgress, type OutputFormat } from '../output/progress.js';

export interface DownOptions {
  readonly name: string;
  readonly output: OutputFormat;
  readonly purge: boolean;
}

export async function down(context: CommandContext, options: DownOptions): Promise<void> {
  requireRoot('down');
  const progress = createProgress(options.output, 'down');
  await withClusterLock(options.name, async () => {
    // Asked again for a cluster that is gone already, there is nothing to do.
    if (readClusterPlan(namedCluster(options.name).paths) === undefined) {
      return progress.result({ cluster: options.name, state: 'absent' }, `There is no cluster ${options.name}.`);
    }
    const cluster = knownCluster(options.name);
    await bringDown(cluster, readBuild(context.repositoryRoot), progress);
    if (options.purge) await purge(cluster, progress);
    const text = options.purge
      ? `Cluster ${options.name} is gone.`
      : `Cluster ${options.name} is down; its state is kept. Next: ${commandLine('up', options.name)}, or ${commandLine('down --purge', options.name)}`;
    progress.result({ cluster: options.name, state: options.purge ? 'absent' : 'down' }, text);
  });
}
