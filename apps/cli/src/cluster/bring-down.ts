/** Takes a cluster down: every process, mount, control group, namespace, rule and interface of it, but not its state. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ClusterPaths,
  endControlGroup,
  endShims,
  forgetCluster,
  forgetContainers,
  removeContext,
  removeControlGroup,
  unmountBelow,
} from '@periplus/ops/dependencies';
import { createSupervisorClient, endRecordedService, listRecordedServices } from '@periplus/ops/processes';
import type { Progress } from '../output/progress.js';
import type { Build } from './build-note.js';
import type { KnownCluster } from './context.js';
import { bringNetworkDown } from './node-network.js';

/** Containers that do not end by themselves in that time are killed. */
const podGraceMs = 2_000;
const stopTimeoutMs = 10_000;

/** In this order; those of one line at the same time. What is not named here goes with the last line. */
const stopOrder: readonly (readonly string[])[] = [
  ['kubelet', 'proxy', 'scheduler', 'controller-manager', 'registry'],
  ['apiserver', 'projector'],
  ['nats', 'postgres'],
];

async function stopServices(paths: ClusterPaths, names: readonly string[]): Promise<void> {
  await Promise.all(names.map((name) => endRecordedService(paths.run, name, stopTimeoutMs)));
}

async function dismissSupervisor(paths: ClusterPaths): Promise<void> {
  const supervisor = createSupervisorClient(paths.supervisorSocket);
  if ((await supervisor.status()) === undefined) return;
  await supervisor.leave();
  const deadline = performance.now() + stopTimeoutMs;
  while ((await supervisor.status()) !== undefined && performance.now() < deadline);
}

async function endContainers(paths: ClusterPaths, controlGroup: string): Promise<void> {
  await endControlGroup(controlGroup, podGraceMs);
  if (listRecordedServices(paths.run).includes('containerd')) {
    await forgetContainers(paths.containerdSocket);
    await stopServices(paths, ['containerd']);
  }
  await endShims(paths.containerdSocket, join(paths.containerd, 'state'));
  await unmountBelow(paths.root);
  await removeControlGroup(controlGroup);
  for (const folder of ['state', 'runc']) rmSync(join(paths.containerd, folder), { recursive: true, force: true });
  rmSync(join(paths.kubelet, 'pods'), { recursive: true, force: true });
}

export async function bringDown({ name, paths }: KnownCluster, build: Build, progress: Progress): Promise<void> {
  await progress.step('Services', async () => {
    await dismissSupervisor(paths);
    const [nodeAndControl = [], ...rest] = stopOrder;
    await stopServices(paths, nodeAndControl);
    await endContainers(paths, `/periplus-${name}`);
    for (const names of rest) await stopServices(paths, names);
    await stopServices(paths, listRecordedServices(paths.run));
  });
  await progress.step('Network', () => bringNetworkDown(build, paths));
  rmSync(paths.run, { recursive: true, force: true });
}

/** Forgets a cluster that is down: its log, its database, its keys, and its kubeconfig context. */
export async function purge({ name, paths, plan }: KnownCluster, progress: Progress): Promise<void> {
  await progress.step('State', async () => {
    await removeContext(plan.contextName);
    if (existsSync(paths.root)) rmSync(paths.root, { recursive: true, force: true });
    await forgetCluster(name);
  });
}
