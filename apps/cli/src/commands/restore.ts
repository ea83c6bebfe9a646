/** `periplus restore`: a new cluster with the history of a back-up, up to a moment. */
import { existsSync } from 'node:fs';
import {
  ensureClusterPki,
  ensureClusterPlan,
  ensureNatsServer,
  forgetCluster,
  mergeIntoKubeconfig,
  readClusterPlan,
} from '@periplus/ops/dependencies';
import { createRestClient } from '../api/rest-client.js';
import { forgetForeignNodes, waitNodeReported } from '../api/restored-nodes.js';
import { type ArchivistReports, logArguments, runArchivist } from '../cluster/archivist.js';
import { bringUp } from '../cluster/bring-up.js';
import { readBuild } from '../cluster/build-note.js';
import { withClusterLock } from '../cluster/cluster-lock.js';
import { type CommandContext, commandLine, type NamedCluster, namedCluster, requireRoot } from '../cluster/context.js';
import { onInterruption } from '../cluster/interruption.js';
import { kubeconfigEntry } from '../cluster/kubeconfig-of.js';
import { discardState, endAbandonedArchivists, endUnrecordedServices } from '../cluster/leftovers.js';
import { hasState, makeRestoredLog } from '../cluster/restored-log.js';
import { waitServicesReady } from '../cluster/wait-services.js';
import { CommandFailure, usageError } from '../output/command-error.js';
import { createProgress, type OutputFormat, type Progress } from '../output/progress.js';
import { counted } from '../output/text-table.js';
import { fileArgument, readingHints } from './backup.js';

export interface RestoreOptions {
  /** Default: what it was called. */
  readonly name: string | undefined;
  readonly output: OutputFormat;
  /** A duration back, a time, or a resourceVersion. */
  readonly to: string | undefined;
  readonly offlineImages: boolean;
  readonly wait: boolean;
  readonly timeoutMs: number;
}

type Restored = ArchivistReports['restore'];

function requireNoState({ name, paths }: NamedCluster, file: string): void {
  if (!hasState(paths)) return;
  throw new CommandFailure(`there is a cluster ${name} here, and a restore takes nobody's place`, {
    hint: [
      `If it is the restored one, start it: ${commandLine('up', name)}`,
      `Or give it up first: ${commandLine('down --purge', name)}`,
      `Or restore beside it: ./periplus restore ${file} --name OTHER`,
    ].join('\n'),
  });
}

/** Leaves a cluster that has never been up, or what there was before. */
async function restoreLog(
  context: CommandContext,
  cluster: NamedCluster,
  file: string,
  wantedIndex: number | undefined,
  options: RestoreOptions,
  progress: Progress,
): Promise<Restored> {
  const { name, paths } = cluster;
  const isNew = readClusterPlan(paths) === undefined;
  await endAbandonedArchivists('restore', name);
  await endUnrecordedServices(paths);
  const plan = await ensureClusterPlan(name, paths, { index: wantedIndex });
  try {
    await progress.step('Certificates', () => ensureClusterPki(paths.pki, plan));
    const natsServer = await progress.step('nats-server', ensureNatsServer);
    return await progress.step('Log', async (note) => {
      let restored: Restored | undefined;
      const args = [
        ...['--cluster-id', name, '--keys-file', `${file}.keys`, ...logArguments(plan, paths)],
        ...(options.to === undefined ? [] : ['--to', options.to]),
      ];
      await makeRestoredLog(plan, paths, natsServer, async () => {
        restored = await runArchivist(readBuild(context.repositoryRoot), 'restore', file, args, note, readingHints);
      });
      return restored!;
    });
  } catch (error) {
    if (isNew) {
      discardState(name, paths.root);
      await forgetCluster(name);
    }
    throw error;
  }
}

function describeRestored(name: string, file: string, restored: Restored): string {
  const { cut, entries, keys, inexact, revision } = restored;
  return [
    '',
    `Cluster ${name} is as it was at ${cut.time}: ${counted(entries, 'change', 'changes')} of objects, up to what was revision ${cut.revision} and is ${revision} now.`,
    keys === undefined
      ? `There is no ${file}.keys: Secrets are there without their data, and say so.`
      : `Secrets can be read again, by ${counted(keys, 'key', 'keys')} of ${file}.keys.`,
    ...(inexact.length === 0
      ? []
      : [
          'These were written so often that the log had forgotten what they were at that moment; they are as they were last known before, or missing:',
          ...inexact.slice(0, 20).map((scope) => `  ${scope}`),
        ]),
    `Its next back-up goes into another file: ${file} is of the log that was.`,
    `Next: kubectl get all --all-namespaces, or ${commandLine('get pods -A', name)}`,
  ].join('\n');
}

/** As `up` does it; then what belonged to machines that are not here goes. */
async function start(
  context: CommandContext,
  cluster: NamedCluster,
  options: RestoreOptions,
  progress: Progress,
): Promise<readonly string[]> {
  const startedMs = Date.now();
  const { repositoryRoot } = context;
  const running = await bringUp(cluster, { repositoryRoot, offlineImages: options.offlineImages }, progress);
  await progress.step('Kubeconfig', async (note) => {
    const change = await mergeIntoKubeconfig(kubeconfigEntry(running));
    if (change.changed) note(`context ${running.plan.contextName} is now the current one in ${change.path}`);
  });
  const nodes = running.plan.nodes.map((node) => node.name);
  const client = createRestClient(running.plan, running.paths);
  try {
    await progress.step('Services ready', (note) => waitServicesReady(running, options.timeoutMs, note));
    const forgotten = await progress.step('Nodes', () => forgetForeignNodes(client, nodes));
    if (!options.wait) return forgotten;
    for (const node of nodes)
      await progress.step(`Node ${node} Ready`, () => waitNodeReported(client, node, startedMs, options.timeoutMs));
    return forgotten;
  } finally {
    client.close();
  }
}

export async function restore(context: CommandContext, path: string, options: RestoreOptions): Promise<void> {
  requireRoot('restore', 'up');
  const file = fileArgument(path);
  if (!existsSync(file)) throw usageError(`${file} does not exist`);
  const progress = createProgress(options.output, 'restore');
  const build = readBuild(context.repositoryRoot);
  const found = await progress.step('Back-up', (note) => runArchivist(build, 'look', file, [], note, readingHints));
  const cluster = namedCluster(options.name ?? found.clusterId);
  const { name } = cluster;
  onInterruption(() => [
    `Cluster ${name} is not restored, or not yet up.`,
    `Go on: ./periplus restore ${file} --name ${name}, or ${commandLine('up', name)} if that says that the cluster is there`,
    `Take it away: ${commandLine('down --purge', name)}`,
  ]);
  await withClusterLock(
    name,
    (message) => progress.note(message),
    async () => {
      requireNoState(cluster, file);
      const index = /^\d{1,2}$/.test(found.notes['index'] ?? '') ? Number(found.notes['index']) : undefined;
      const restored = await restoreLog(context, cluster, file, index, options, progress);
      const forgottenNodes = await start(context, cluster, options, progress);
      const data = { cluster: name, file, ...restored, forgottenNodes };
      progress.result(data, describeRestored(name, file, restored));
    },
  );
}
