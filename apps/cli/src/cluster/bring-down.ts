/** Takes a cluster down: every process, mount, control group, namespace, rule and interface of it, but not its state. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ClusterPaths,
  endControlGroup,
  endShims,
  forgetCluster,
  forgetContainers,
  forgetLoopbackLinks,
  removeContext,
  removeControlGroup,
  unmountBelow,
} from '@periplus/ops/dependencies';
import {
  createSupervisorClient,
  endProcess,
  endRecordedService,
  listProcesses,
  listRecordedServices,
  type ProcessIdentity,
  processIdentity,
} from '@periplus/ops/processes';
import type { Progress } from '../output/progress.js';
import type { Build } from './build-note.js';
import type { KnownCluster } from './context.js';
import { bringNetworkDown } from './node-network.js';

/** Containers that do not end by themselves in that time are killed. */
const podGraceMs = 2_000;
const stopTimeoutMs = 10_000;
const pollMs = 20;

/** In this order; those of one line at the same time. What is not named here goes with the last line. */
const stopOrder: readonly (readonly string[])[] = [
  ['kubelet', 'proxy', 'scheduler', 'controller-manager', 'registry'],
  ['apiserver', 'projector'],
  ['nats', 'postgres'],
];

/** Ends services: through their supervisor, which is their parent, or by their records when there is none. */
interface ServiceStopper {
  stop(names: readonly string[]): Promise<void>;
  /** Ends the supervisor too. */
  finish(): Promise<void>;
}

async function createServiceStopper(paths: ClusterPaths): Promise<ServiceStopper> {
  const supervisor = createSupervisorClient(paths.supervisorSocket);
  const supervised = (await supervisor.status()) !== undefined;
  return {
    async stop(names) {
      if (supervised) await supervisor.stop(names);
      await Promise.all(names.map((name) => endRecordedService(paths.run, name, stopTimeoutMs)));
    },
    async finish() {
      if (!supervised) return;
      await supervisor.leave();
      const deadline = performance.now() + stopTimeoutMs;
      while ((await supervisor.status()) !== undefined && performance.now() < deadline) await sleep(pollMs);
    },
  };
}

/** Services of this cluster that no record speaks of, by the configuration or data that they were started with. */
function listStrays(paths: ClusterPaths): readonly ProcessIdentity[] {
  return listProcesses().flatMap(({ pid, arguments: args }) => {
    const [config, data] = ['--config', '-D'].map((flag) =>
      args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined,
    );
    const ours = config?.startsWith(`${paths.config}/`) === true || data?.startsWith(`${paths.postgres}/`) === true;
    return ours && pid !== process.pid ? (processIdentity(pid) ?? []) : [];
  });
}

async function endStrays(paths: ClusterPaths): Promise<void> {
  const strays = listStrays(paths);
  await Promise.all(strays.map((stray) => endProcess(stray, { stopSignal: 'SIGINT', stopTimeoutMs })));
}

async function endContainers(paths: ClusterPaths, controlGroup: string, services: ServiceStopper): Promise<void> {
  await endControlGroup(controlGroup, podGraceMs);
  if (listRecordedServices(paths.run).includes('containerd')) await forgetContainers(paths.containerdSocket);
  await services.stop(['containerd']);
  const state = join(paths.containerd, 'state');
  await endShims(paths.containerdSocket, state);
  forgetLoopbackLinks(state);
  await unmountBelow(paths.root);
  await removeControlGroup(controlGroup);
  for (const folder of [state, join(paths.containerd, 'runc')]) rmSync(folder, { recursive: true, force: true });
}

export async function bringDown({ name, paths }: KnownCluster, build: Build, progress: Progress): Promise<void> {
  await progress.step('Services', async () => {
    const services = await createServiceStopper(paths);
    const [nodeAndControl = [], ...rest] = stopOrder;
    await services.stop(nodeAndControl);
    await endContainers(paths, `/periplus-${name}`, services);
    for (const names of rest) await services.stop(names);
    await services.stop(listRecordedServices(paths.run));
    await services.finish();
    await endStrays(paths);
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
