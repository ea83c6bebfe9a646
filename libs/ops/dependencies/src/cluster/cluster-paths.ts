/** Where a cluster keeps its state: one folder, so that removing the folder removes the cluster. */
import { join } from 'node:path';

/** All clusters of the machine. */
export const stateRoot = '/var/lib/periplus';
/** What can be made again: downloaded programs and built images, shared by all clusters. */
export const cacheRoot = '/var/cache/periplus';

export interface ClusterPaths {
  readonly root: string;
  /** The plan of names, ports and ranges, chosen once. */
  readonly planFile: string;
  readonly pki: string;
  readonly nats: string;
  readonly postgres: string;
  readonly containerd: string;
  readonly kubelet: string;
  readonly cniConf: string;
  readonly logs: string;
  readonly run: string;
  readonly config: string;
  /** Which boot of the machine `run` and containerd's state are of. */
  readonly bootFile: string;
  readonly supervisorSocket: string;
  readonly containerdSocket: string;
  /** The folder with Postgres' own socket, for its user. */
  readonly postgresRun: string;
}

/** `root` is for tests; everyone else takes the default. */
export function clusterPaths(clusterName: string, root: string = join(stateRoot, clusterName)): ClusterPaths {
  const run = join(root, 'run');
  return {
    root,
    planFile: join(root, 'cluster.json'),
    pki: join(root, 'pki'),
    nats: join(root, 'nats'),
    postgres: join(root, 'postgres'),
    containerd: join(root, 'containerd'),
    kubelet: join(root, 'kubelet'),
    cniConf: join(root, 'cni'),
    logs: join(root, 'logs'),
    run,
    config: join(root, 'config'),
    bootFile: join(root, 'boot-id'),
    supervisorSocket: join(run, 'supervisor.sock'),
    containerdSocket: join(run, 'containerd.sock'),
    postgresRun: join(run, 'postgres'),
  };
}

/** The socket on which a service answers /livez, /readyz and /metrics. */
export function serviceSocket(paths: ClusterPaths, service: string): string {
  return join(paths.run, `${service}.sock`);
}

export function serviceLog(paths: ClusterPaths, service: string): string {
  return join(paths.logs, `${service}.log`);
}

export function serviceConfig(paths: ClusterPaths, service: string): string {
  return join(paths.config, `${service}.json`);
}
