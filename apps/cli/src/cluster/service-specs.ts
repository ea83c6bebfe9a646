/** Every process of a cluster, as its supervisor runs it. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type ClusterPaths,
  type ClusterPlan,
  containerdProbe,
  findProgram,
  natsServerProbe,
  type PostgresSettings,
  postgresCommand,
  postgresEnvironment,
  postgresProbe,
  type Program,
  serviceConfig,
  serviceLog,
  serviceSocket,
} from '@periplus/ops/dependencies';
import type { ServiceSpec } from '@periplus/ops/processes';
import type { Build } from './build-note.js';
import { type OwnService, ownServices, type ServiceConfigs } from './service-configs.js';

export interface ServicePrograms {
  readonly natsServer: Program;
  /** What follows only where there is more than the API. */
  readonly postgres?: PostgresSettings;
  readonly containerd?: Program;
  readonly build: Build;
}

/** What should run, as the supervisor keeps it for the one after it. */
export function serviceSpecsFile(paths: ClusterPaths): string {
  return join(paths.config, 'services.json');
}

/** Checks in a row, ten seconds apart, without an answer: a minute or two. */
const hangChecksMax = 6;
/** Postgres may be busy, and to end it is costly. */
const postgresHangChecksMax = 30;

/** Those that run in the node's network namespace. */
const inNode: ReadonlySet<string> = new Set(['containerd', 'kubelet', 'proxy']);

const order: Readonly<Record<OwnService, readonly string[]>> = {
  apiserver: ['nats', 'postgres'],
  projector: ['nats', 'postgres'],
  scheduler: ['apiserver'],
  'controller-manager': ['apiserver'],
  kubelet: ['apiserver', 'containerd'],
  proxy: ['apiserver'],
};

/** Longer for the kubelet, which ends nothing but itself, and for what flushes to disk. */
const stopTimeoutMs = 10_000;

function baseEnvironment(): Record<string, string> {
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  return { PATH: `${dirname(process.execPath)}:${path}`, HOME: '/root', LANG: 'C.UTF-8', NODE_ENV: 'production' };
}

/** Images are pulled through the proxy that the user has, but never those of the loopback registry. */
function proxyEnvironment(plan: ClusterPlan): Record<string, string> {
  const { HTTP_PROXY, HTTPS_PROXY, NO_PROXY, http_proxy, https_proxy, no_proxy } = process.env;
  const [http, https] = [HTTP_PROXY ?? http_proxy, HTTPS_PROXY ?? https_proxy];
  if (!http && !https) return {};
  const direct = [NO_PROXY ?? no_proxy ?? '', plan.hostAddress, 'localhost', '127.0.0.1'].filter(Boolean).join(',');
  return { ...(http ? { HTTP_PROXY: http } : {}), ...(https ? { HTTPS_PROXY: https } : {}), NO_PROXY: direct };
}

/**
 * Of the command and every file that it names: what the process will have read. The version is not: a service whose own
 * code did not change is not restarted.
 */
function digestOf(spec: Pick<ServiceSpec, 'command' | 'args' | 'env' | 'user'>, files: readonly string[]): string {
  const { command, args, env, user } = spec;
  const hash = createHash('sha256').update(JSON.stringify([command, args, env, user]));
  for (const file of files) hash.update(existsSync(file) ? readFileSync(file) : 'none');
  return hash.digest('hex').slice(0, 16);
}

type Draft = Omit<ServiceSpec, 'digest' | 'logFile' | 'stopSignal' | 'stopTimeoutMs'> & {
  readonly files: readonly string[];
};

export function serviceSpecs(
  plan: ClusterPlan,
  paths: ClusterPaths,
  programs: ServicePrograms,
  configs: ServiceConfigs,
): readonly ServiceSpec[] {
  const { natsServer, postgres, containerd, build } = programs;
  const env = baseEnvironment();
  const finish = ({ files, ...draft }: Draft): ServiceSpec => {
    const namespace = plan.nodes[0]?.namespace;
    const entered = inNode.has(draft.name)
      ? {
          command: findProgram('nsenter') ?? 'nsenter',
          args: [`--net=/run/netns/${namespace}`, draft.command, ...draft.args],
        }
      : { command: draft.command, args: draft.args };
    const spec = { ...draft, ...entered, logFile: serviceLog(paths, draft.name) };
    // By SIGTERM Postgres would wait for its clients to leave.
    const stopSignal = draft.name === 'postgres' ? 'SIGINT' : 'SIGTERM';
    return { ...spec, digest: digestOf(spec, files), stopSignal, stopTimeoutMs };
  };

  const natsConfig = join(paths.config, 'nats.conf');
  const containerdConfig = join(paths.config, 'containerd.toml');
  const nats: Draft = {
    name: 'nats',
    command: natsServer.path,
    args: ['--config', natsConfig],
    env,
    probe: natsServerProbe(plan.ports.nats),
    // The writer sees that a disk which was full has left the server unable to write, though there is room again.
    restartWhen: { socketPath: serviceSocket(paths, 'apiserver'), path: '/readyz/logStore' },
    after: [],
    version: natsServer.version,
    files: [natsConfig, join(paths.pki, 'nats.crt'), join(paths.pki, 'nats-ca.crt')],
  };
  const database =
    postgres &&
    ({
      name: 'postgres',
      ...postgresCommand(postgres),
      env: postgresEnvironment(),
      user: { uid: postgres.user.uid, gid: postgres.user.gid },
      probe: postgresProbe(paths.postgresRun, plan.ports.postgres),
      hang: { probe: postgresProbe(paths.postgresRun, plan.ports.postgres), checksMax: postgresHangChecksMax },
      after: [],
      version: postgres.programs.version,
      files: [],
    } satisfies Draft);
  const runtime =
    containerd &&
    ({
      name: 'containerd',
      command: containerd.path,
      args: ['--config', containerdConfig],
      env: { ...env, ...proxyEnvironment(plan) },
      probe: containerdProbe(paths.containerdSocket),
      after: [],
      version: containerd.version,
      files: [containerdConfig],
    } satisfies Draft);
  const own = ownServices.flatMap((name): Draft | readonly [] => {
    const config = configs[name];
    if (config === undefined) return [];
    const credentials = Object.values(config).filter(
      (value): value is string => typeof value === 'string' && /\.(crt|key)$/.test(value),
    );
    return {
      name,
      command: process.execPath,
      args: [build.appFile(name), '--config', serviceConfig(paths, name)],
      env: { ...env, PERIPLUS_BUILD: build.digests[name] ?? '' },
      probe: { kind: 'http', socketPath: serviceSocket(paths, name), path: '/readyz' },
      hang: {
        probe: { kind: 'http', socketPath: serviceSocket(paths, name), path: '/livez' },
        checksMax: hangChecksMax,
      },
      after: order[name],
      version: build.version,
      files: [serviceConfig(paths, name), ...credentials],
    };
  });
  const drafts = [nats, database ?? [], runtime ?? [], own].flat();
  const names = new Set(drafts.map(({ name }) => name));
  return drafts.map((draft) => finish({ ...draft, after: draft.after.filter((name) => names.has(name)) }));
}

/** The registry on loopback that serves the project's own images; part of the CLI. */
export function registrySpec(plan: ClusterPlan, paths: ClusterPaths, build: Build, imageFolder: string): ServiceSpec {
  const { registry } = plan.ports;
  const args = [build.appFile('cli'), 'registry', '--images', imageFolder];
  args.push('--listen', `127.0.0.1:${registry}`, '--listen', `${plan.hostAddress}:${registry}`);
  const spec = {
    name: 'registry',
    command: process.execPath,
    args,
    env: { ...baseEnvironment(), PERIPLUS_BUILD: build.digests['cli'] ?? '' },
    logFile: serviceLog(paths, 'registry'),
    probe: { kind: 'exchange', target: { host: plan.hostAddress, port: registry }, answerPrefix: '' },
    after: [],
    version: build.version,
  } as const;
  return { ...spec, digest: digestOf(spec, []), stopSignal: 'SIGTERM', stopTimeoutMs };
}
