/** Brings a cluster up, step by step: what it stands on, its files, its network, its services. Run again, it changes nothing. */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  cacheRoot,
  canLowerOomScore,
  type ClusterPaths,
  type ClusterPlan,
  clusterNatsSettings,
  ensureClusterPki,
  ensureClusterPlan,
  ensureNatsServer,
  ensurePackages,
  ensurePostgresPrograms,
  ensureSystemUser,
  findCniFolder,
  findProgram,
  formatContainerdConfig,
  formatNatsServerConfig,
  nodePackages,
  type PostgresSettings,
  type Program,
  preparePostgres,
  readClusterPlan,
  removeFolder,
  replaceFile,
  serviceConfig,
} from '@periplus/ops/dependencies';
import {
  currentBootId,
  listRecordedProcesses,
  runCommand,
  type ServiceSpec,
  type SupervisorClient,
} from '@periplus/ops/processes';
import { CommandFailure, usageError } from '../output/command-error.js';
import type { Progress } from '../output/progress.js';
import { describeFullDisk, findFullPlace, freeBytesMin } from '../output/storage-failure.js';
import { type ApiserverFlags, keptFlags } from './apiserver-flags.js';
import { type Build, readBuild } from './build-note.js';
import type { NamedCluster } from './context.js';
import { endAbandonedSteps, endUnrecordedServices, removeDiscardedState } from './leftovers.js';
import { bringNetworkUp } from './node-network.js';
import { ensureOfflineImages, registryConfigFolder, writeMirrors } from './offline-images.js';
import { requirePorts } from './ports.js';
import { refuseHalfRestored } from './restored-log.js';
import { serviceConfigs, type ServiceConfigs } from './service-configs.js';
import { registrySpec, serviceSpecs } from './service-specs.js';
import { ensureSupervisor } from './supervisor-process.js';

const pauseImage = 'registry.k8s.io/pause:3.9';

export interface RunningCluster extends NamedCluster {
  readonly plan: ClusterPlan;
  readonly build: Build;
  readonly supervisor: SupervisorClient;
  readonly specs: readonly ServiceSpec[];
}

/** Services under other users must pass through the root folder; nobody else sees what is below. */
function makeFolders(paths: ClusterPaths): void {
  mkdirSync(paths.root, { recursive: true });
  chmodSync(paths.root, 0o711);
  mkdirSync(paths.run, { recursive: true, mode: 0o711 });
  for (const folder of [paths.nats, paths.containerd, paths.kubelet, paths.cniConf, paths.logs, paths.config]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
}

/** What processes of an earlier boot left: sockets, and containerd's notes of containers that no longer run. */
function forgetEarlierBoot(paths: ClusterPaths): void {
  const bootId = currentBootId();
  if (existsSync(paths.bootFile) && readFileSync(paths.bootFile, 'utf8') === bootId) return;
  const leftovers = [paths.run, join(paths.containerd, 'state'), join(paths.containerd, 'runc')];
  for (const folder of leftovers) removeFolder(folder);
  replaceFile(paths.bootFile, bootId);
}

function writeIfChanged(path: string, content: string): void {
  if (!existsSync(path) || readFileSync(path, 'utf8') !== content) replaceFile(path, content, 0o600);
}

async function findContainerd(): Promise<Program> {
  const path = findProgram('containerd');
  if (path === undefined) throw new CommandFailure('containerd is not on the PATH');
  const output = (await runCommand(path, ['--version'])).toString();
  return { path, version: output.match(/\d+\.\d+\.\d+/)?.[0] ?? 'unknown' };
}

async function preparePostgresServer(
  repositoryRoot: string,
  plan: ClusterPlan,
  paths: ClusterPaths,
): Promise<PostgresSettings> {
  const settings: PostgresSettings = {
    programs: ensurePostgresPrograms(repositoryRoot),
    user: await ensureSystemUser(),
    dataFolder: paths.postgres,
    socketFolder: paths.postgresRun,
    port: plan.ports.postgres,
  };
  await preparePostgres(settings);
  return settings;
}

function writeConfigs(plan: ClusterPlan, paths: ClusterPaths, given: ApiserverFlags | undefined): ServiceConfigs {
  const configs = serviceConfigs(plan, paths, given ?? keptFlags(plan, paths));
  for (const [name, config] of Object.entries(configs)) {
    writeIfChanged(serviceConfig(paths, name), `${JSON.stringify(config, null, 2)}\n`);
  }
  const nats = clusterNatsSettings(plan.name, plan.ports.nats, paths.nats, paths.pki);
  writeIfChanged(join(paths.config, 'nats.conf'), formatNatsServerConfig(nats));
  if (plan.nodes.length === 0) return configs;
  const containerd = formatContainerdConfig({
    folder: paths.containerd,
    socketPath: paths.containerdSocket,
    cniConfFolder: paths.cniConf,
    cniBinFolder: findCniFolder() ?? '/opt/cni/bin',
    registryConfigFolder: registryConfigFolder(paths),
    pauseImage,
    restrictOomScoreAdj: !canLowerOomScore(),
  });
  writeIfChanged(join(paths.config, 'containerd.toml'), containerd);
  return configs;
}

/** Whether this cluster was brought up with the project's own images before; then it keeps them. */
function hasOfflineImages(paths: ClusterPaths): boolean {
  return statSync(join(registryConfigFolder(paths), 'docker.io'), { throwIfNoEntry: false }) !== undefined;
}

/** Fails early, where services that do not run yet would fail late. */
async function checkPorts(plan: ClusterPlan, paths: ClusterPaths, offlineImages: boolean): Promise<void> {
  const running = listRecordedProcesses(paths.run);
  const wanted = new Set(['nats', 'apiserver', ...(offlineImages ? ['registry'] : [])]);
  for (const { service } of running) wanted.delete(service);
  await requirePorts(
    plan,
    wanted,
    running.map(({ pid }) => pid),
  );
}

/** As Promise.all, but fails only when all have ended: nothing goes on behind the back of who gave up. */
async function allSettled<Results extends readonly unknown[]>(
  steps: {
    readonly [Index in keyof Results]: Promise<Results[Index]>;
  },
): Promise<Results> {
  await Promise.allSettled(steps);
  return (await Promise.all(steps)) as unknown as Results;
}

/** An empty database has that much, with its log of writes. */
const newClusterBytes = 96 << 20;

/** A full disk shows in as many ways as there are programs; here it has one. */
function checkDisks(paths: ClusterPaths): void {
  const bytesMin = existsSync(paths.postgres) ? freeBytesMin : newClusterBytes;
  const full = findFullPlace([paths.root, cacheRoot], bytesMin);
  if (full === undefined) return;
  const { message, hint } = describeFullDisk(full);
  throw new CommandFailure(message, { hint });
}

export interface BringUpOptions {
  readonly repositoryRoot: string;
  readonly offlineImages: boolean;
  readonly only?: 'apiserver' | undefined;
  /** Absent: as they were the last time. */
  readonly apiserver?: ApiserverFlags | undefined;
}

/** A cluster is one or the other from its first start: objects that belong to a node would be left without it. */
function refuseOther(name: string, paths: ClusterPaths, only: BringUpOptions['only']): void {
  const plan = readClusterPlan(paths);
  if (plan === undefined || only === undefined || plan.only === only) return;
  throw usageError(
    `cluster ${name} has more than an apiserver`,
    `Start another: ./periplus up --only ${only} --name NAME`,
  );
}

async function startServices(
  { name, paths }: NamedCluster,
  plan: ClusterPlan,
  build: Build,
  specs: readonly ServiceSpec[],
  progress: Progress,
): Promise<RunningCluster> {
  const supervisor = await progress.step('Services', async () => {
    const client = await ensureSupervisor(name, paths, build, () => endUnrecordedServices(paths));
    await client.apply(specs);
    return client;
  });
  return { name, paths, plan, build, supervisor, specs };
}

/** Ends with every service started; whether they are ready is for the caller to wait for. */
export async function bringUp(
  named: NamedCluster,
  options: BringUpOptions,
  progress: Progress,
): Promise<RunningCluster> {
  const { name, paths } = named;
  const build = readBuild(options.repositoryRoot);
  refuseHalfRestored(name, paths);
  refuseOther(name, paths, options.only);
  checkDisks(paths);
  const only = readClusterPlan(paths)?.only ?? options.only;
  if (only === undefined) await progress.step('Debian packages', (note) => ensurePackages(nodePackages, note));
  removeDiscardedState(name);
  const plan = await ensureClusterPlan(name, paths, { only });
  await endAbandonedSteps(paths);
  forgetEarlierBoot(paths);
  makeFolders(paths);
  const offlineImages = options.offlineImages || hasOfflineImages(paths);
  await checkPorts(plan, paths, offlineImages);

  const configured = progress.step('Certificates and configuration', async () => {
    await ensureClusterPki(paths.pki, plan);
    return writeConfigs(plan, paths, options.apiserver);
  });
  if (plan.nodes.length === 0) {
    const [natsServer, configs] = await allSettled([progress.step('nats-server', ensureNatsServer), configured]);
    return startServices(named, plan, build, serviceSpecs(plan, paths, { natsServer, build }, configs), progress);
  }
  const [natsServer, postgres, containerd, imageFolder, configs] = await allSettled([
    progress.step('nats-server', ensureNatsServer),
    progress.step('PostgreSQL', () => preparePostgresServer(options.repositoryRoot, plan, paths)),
    findContainerd(),
    offlineImages
      ? progress.step('Images', (note) => ensureOfflineImages(options.repositoryRoot, note))
      : Promise.resolve(undefined),
    configured,
    configured.then(() => progress.step(`Network of ${plan.nodes[0]?.name}`, () => bringNetworkUp(build, paths))),
  ]);

  const registry = `http://${plan.hostAddress}:${plan.ports.registry}`;
  writeMirrors(paths, imageFolder === undefined ? undefined : registry);
  const specs = [
    ...serviceSpecs(plan, paths, { natsServer, postgres, containerd, build }, configs),
    ...(imageFolder === undefined ? [] : [registrySpec(plan, paths, build, imageFolder)]),
  ];
  return startServices(named, plan, build, specs, progress);
}
