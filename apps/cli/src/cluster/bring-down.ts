/** Takes a cluster down: every process, mount, control group, namespace, rule and interface of it, but not its state. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ClusterPaths,
  contextNameOf,
  endControlGroup,
  endShims,
  forgetCluster,
  forgetContainers,
  forgetLoopbackLinks,
  listClusters,
  removeContext,
  removeControlGroup,
  removeFolder,
  unmountBelow,
} from '@periplus/ops/dependencies';
import {
  createSupervisorClient,
  endRecordedService,
  listRecordedServices,
  SupervisorGoneError,
  SupervisorSilentError,
} from '@periplus/ops/processes';
import type { Progress } from '../output/progress.js';
import type { Build } from './build-note.js';
import type { NamedCluster } from './context.js';
import { discardState, endAbandonedSteps, endUnrecordedServices } from './leftovers.js';
import { bringNetworkDown } from './node-network.js';
import { serviceSpecsFile } from './service-specs.js';
import { askSupervisor, endSupervisor } from './supervisor-process.js';

/** Containers that do not end by themselves in that time are killed. */
const podGraceMs = 2_000;
const stopTimeoutMs = 10_000;

/** In this order; those of one line at the same time. What is not named here goes with the last line. */
const stopOrder: readonly (readonly string[])[] = [
  ['kubelet', 'proxy', 'scheduler', 'controller-manager', 'registry'],
  ['apiserver', 'projector'],
  ['nats', 'postgres'],
];

/** Ends services: through their supervisor, which is their parent, or by their records where there is none any more. */
interface ServiceStopper {
  stop(names: readonly string[]): Promise<void>;
}

/** What a supervisor says that was killed, or hangs, in the middle of a call. */
function isLost(error: unknown): boolean {
  return error instanceof SupervisorGoneError || error instanceof SupervisorSilentError;
}

async function createServiceStopper(name: string, paths: ClusterPaths): Promise<ServiceStopper> {
  const supervisor = createSupervisorClient(paths.supervisorSocket);
  const { state } = await askSupervisor(name, paths);
  if (state === 'silent') await endSupervisor(name, paths);
  let supervised = state === 'answers';
  return {
    async stop(names) {
      try {
        if (supervised) await supervisor.stop(names);
      } catch (error) {
        if (!isLost(error)) throw error;
        await endSupervisor(name, paths);
        supervised = false;
      }
      await Promise.all(names.map((service) => endRecordedService(paths.run, service, stopTimeoutMs)));
    },
  };
}

async function endContainers(paths: ClusterPaths, controlGroup: string, services: ServiceStopper): Promise<void> {
  await endControlGroup(controlGroup, podGraceMs);
  if (listRecordedServices(paths.run).includes('containerd')) await forgetContainers(paths.containerdSocket);
  await services.stop(['containerd']);
  const state = join(paths.containerd, 'state');
  await endShims(paths.containerdSocket, state);
  forgetLoopbackLinks(state);
  for (const folder of [paths.containerd, paths.kubelet]) await unmountBelow(folder);
  await removeControlGroup(controlGroup);
  for (const folder of [state, join(paths.containerd, 'runc')]) removeFolder(folder);
}

export async function bringDown({ name, paths }: NamedCluster, build: Build, progress: Progress): Promise<void> {
  await progress.step('Services', async () => {
    await endAbandonedSteps(paths);
    const services = await createServiceStopper(name, paths);
    const [nodeAndControl = [], ...rest] = stopOrder;
    await services.stop(nodeAndControl);
    await endContainers(paths, `/periplus-${name}`, services);
    for (const names of rest) await services.stop(names);
    await services.stop(listRecordedServices(paths.run));
    // What should run is nothing now, also for a supervisor that starts before it is told otherwise.
    rmSync(serviceSpecsFile(paths), { force: true });
    await endSupervisor(name, paths);
    await endUnrecordedServices(paths);
  });
  await progress.step('Network', () => bringNetworkDown(build, paths));
  removeFolder(paths.run);
}

/** Forgets a cluster that is down: its log, its database, its keys, and its kubeconfig context. Gives whether there was any. */
export async function purge({ name, paths }: NamedCluster, progress: Progress): Promise<boolean> {
  return progress.step('State', async () => {
    const known = listClusters().includes(name) || existsSync(paths.root);
    const { changed } = await removeContext(contextNameOf(name));
    discardState(name, paths.root);
    await forgetCluster(name);
    return known || changed;
  });
}
