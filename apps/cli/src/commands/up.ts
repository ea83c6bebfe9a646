/** `periplus up`: a running cluster, and the manifests given running on it. */
import { defaultClusterName, findProgram, type KubeconfigEntry, mergeIntoKubeconfig } from '@periplus/ops/dependencies';
import { listRecordedServices, type ServiceStatus } from '@periplus/ops/processes';
import { applyManifests, displayName } from '../api/apply-manifests.js';
import { type Manifest, readManifests } from '../api/manifests.js';
import { createRestClient, type RestClient } from '../api/rest-client.js';
import { waitApplied, waitNodeReady } from '../api/wait-ready.js';
import { type ApiserverFlags, givenFlags } from '../cluster/apiserver-flags.js';
import { bringUp, type RunningCluster } from '../cluster/bring-up.js';
import { withClusterLock } from '../cluster/cluster-lock.js';
import { type CommandContext, commandLine, type NamedCluster, namedCluster, requireRoot } from '../cluster/context.js';
import { onInterruption } from '../cluster/interruption.js';
import { kubeconfigEntry } from '../cluster/kubeconfig-of.js';
import { listSupervisors } from '../cluster/supervisor-process.js';
import { waitServicesReady } from '../cluster/wait-services.js';
import { usageError } from '../output/command-error.js';
import { createProgress, type OutputFormat, type Progress } from '../output/progress.js';
import { describeService, formatServices } from '../output/service-table.js';

export interface UpOptions {
  readonly name: string;
  readonly output: OutputFormat;
  readonly offlineImages: boolean;
  readonly only: 'apiserver' | undefined;
  readonly enableAdmissionPlugins: readonly string[] | undefined;
  readonly disableAdmissionPlugins: readonly string[] | undefined;
  readonly featureGates: readonly string[] | undefined;
  readonly wait: boolean;
  readonly timeoutMs: number;
}

async function applyAll(
  client: RestClient,
  manifests: readonly Manifest[],
  options: UpOptions,
  progress: Progress,
): Promise<void> {
  if (manifests.length === 0) return;
  const applied = await progress.step('Manifests', (note) =>
    applyManifests(client, manifests, 'default', (object) => note(`${displayName(object)} ${object.outcome}`)),
  );
  if (!options.wait) return;
  for (const object of applied) {
    await progress.step(`${displayName(object)} ready`, (note) => waitApplied(client, object, options.timeoutMs, note));
  }
}

/** What was started goes on, and what was made is found again. */
function describeInterruption({ name, paths }: NamedCluster): readonly string[] {
  const running = [...(listSupervisors(name).length > 0 ? ['supervisor'] : []), ...listRecordedServices(paths.run)];
  return [
    `Cluster ${name} is partly up. Left running: ${running.length === 0 ? 'nothing yet' : running.join(', ')}.`,
    `Go on: ${commandLine('up', name)}`,
    `Take it down: ${commandLine('down', name)}`,
  ];
}

function nextSteps({ plan, name }: RunningCluster): string {
  if (findProgram('kubectl') !== undefined) {
    // The context is the current one, unless another cluster is brought up later.
    const verb = plan.nodes.length === 0 ? 'api-resources' : 'get all';
    return `Next: kubectl ${verb}${name === defaultClusterName ? '' : ` --context ${plan.contextName}`}`;
  }
  return `There is no kubectl on the PATH. Next: ${commandLine('get pods', name)}, or install kubectl (context ${plan.contextName})`;
}

async function report(cluster: RunningCluster, statuses: readonly ServiceStatus[], progress: Progress): Promise<void> {
  const { plan, name } = cluster;
  const server = `https://127.0.0.1:${plan.ports.apiserver}`;
  const node = plan.nodes[0];
  const text = [
    '',
    formatServices(statuses),
    '',
    `Cluster ${name} runs at ${server}; ${node === undefined ? 'it is its API alone' : `its node ${node.name} is ${node.address}`}.`,
    nextSteps(cluster),
  ].join('\n');
  progress.result(
    { cluster: name, context: plan.contextName, server, nodes: plan.nodes, services: statuses.map(describeService) },
    text,
  );
}

async function mergeContext(entry: KubeconfigEntry, progress: Progress): Promise<void> {
  await progress.step('Kubeconfig', async (note) => {
    const change = await mergeIntoKubeconfig(entry);
    if (!change.changed) return;
    note(`context ${entry.contextName} is now the current one in ${change.path}`);
    if (change.backup !== undefined) note(`what it was before is in ${change.backup}`);
  });
}

function apiserverFlags(options: UpOptions): ApiserverFlags | undefined {
  const given = givenFlags(options.enableAdmissionPlugins, options.disableAdmissionPlugins, options.featureGates);
  if (options.only === undefined) {
    if (given !== undefined)
      throw usageError('plugins and features are switched where the API is on its own', 'Add --only apiserver');
  } else if (options.offlineImages) throw usageError('--offline-images says nothing to an API without nodes');
  return given;
}

export async function up(context: CommandContext, files: readonly string[], options: UpOptions): Promise<void> {
  requireRoot('up', 'up');
  const named = namedCluster(options.name);
  const apiserver = apiserverFlags(options);
  // Before anything is started: a manifest that cannot be read should not cost a minute.
  const manifests = readManifests(files);
  const progress = createProgress(options.output, 'up');
  const note = (message: string) => progress.note(message);
  onInterruption(() => describeInterruption(named));
  await withClusterLock(options.name, note, async () => {
    const { offlineImages, only } = options;
    const wishes = { repositoryRoot: context.repositoryRoot, offlineImages, only, apiserver };
    const cluster = await bringUp(named, wishes, progress);
    await mergeContext(kubeconfigEntry(cluster), progress);
    const client = createRestClient(cluster.plan, cluster.paths);
    try {
      if (options.wait || manifests.length > 0) {
        await progress.step('Services ready', (note) => waitServicesReady(cluster, options.timeoutMs, note));
        for (const { name } of cluster.plan.nodes)
          await progress.step(`Node ${name} Ready`, () => waitNodeReady(client, name, options.timeoutMs));
      }
      // Where nothing acts on objects, none becomes available.
      const wait = options.wait && cluster.plan.nodes.length > 0;
      await applyAll(client, manifests, { ...options, wait }, progress);
    } finally {
      client.close();
    }
    const info = await cluster.supervisor.status();
    await report(cluster, info?.services ?? [], progress);
  });
}
