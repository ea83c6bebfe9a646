/** A log and an apiserver of the benchmark's own, as `./periplus up` would run them, without nodes and controllers. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  clusterNatsSettings,
  ensureClusterPki,
  ensureNatsServer,
  formatNatsServerConfig,
  planCluster,
} from '@periplus/ops/dependencies';
import { findFreePort } from '@periplus/testing/services';
import { bundleApp } from '../../tools/build/bundle-app.js';
import type { ClusterAccess } from '../api/api-session.js';
import { type ServerProcess, startProcess } from './child-process.js';
import { isListening } from './listening.js';

export interface OwnCluster {
  readonly nats: ServerProcess;
  /** How the benchmark itself reaches the log. */
  readonly log: { readonly servers: readonly string[]; readonly tls: NatsTls };
  readonly access: ClusterAccess;
  /** Resolves when it is ready. */
  startApiserver(options?: ServiceStart): Promise<ServerProcess>;
  startProjector(options: ServiceStart): Promise<ServerProcess>;
  /** Where a service answers /readyz and /metrics. */
  metricsSocket(app: string): string;
  stop(): Promise<void>;
}

export interface NatsTls {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface ServiceStart {
  readonly postgresUrl?: string;
  /** For Node itself, like `--cpu-prof`. */
  readonly nodeArgs?: readonly string[];
  /** Instead of building it. */
  readonly main?: string;
}

const root = join(import.meta.dirname, '..', '..');

function answersReady(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ socketPath, path: '/readyz' }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once('error', () => resolve(false));
  });
}

/** As the product builds it; beside node_modules, where bundled packages look for their files. */
async function bundle(app: string): Promise<string> {
  const folder = join(root, 'dist', 'bench', app);
  mkdirSync(folder, { recursive: true });
  for (const { path, contents } of await bundleApp(root, app)) writeFileSync(join(folder, basename(path)), contents);
  return join(folder, 'main.js');
}

export async function startOwnCluster(): Promise<OwnCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'periplus-bench-'));
  const pki = join(folder, 'pki');
  await ensureClusterPki(pki, planCluster('bench', 0));
  const [natsPort, port, grpcPort] = [await findFreePort(), await findFreePort(), await findFreePort()];
  const configFile = join(folder, 'nats.conf');
  writeFileSync(configFile, formatNatsServerConfig(clusterNatsSettings('bench', natsPort, join(folder, 'nats'), pki)));
  const nats = await startProcess((await ensureNatsServer()).path, ['-c', configFile], () => isListening(natsPort));
  const file = (name: string): string => join(pki, name);
  const services = new Set<ServerProcess>();
  const natsUrl = `tls://127.0.0.1:${natsPort}`;

  const metricsSocket = (app: string): string => join(folder, `${app}.sock`);

  async function startService(app: string, args: readonly string[], start: ServiceStart): Promise<ServerProcess> {
    const { postgresUrl, nodeArgs = [], main = await bundle(app) } = start;
    const socket = metricsSocket(app);
    rmSync(socket, { force: true });
    const common = [
      `--nats-url=${natsUrl}`,
      `--nats-ca-file=${file('nats-ca.crt')}`,
      `--nats-cert-file=${file(`nats-${app}.crt`)}`,
      `--nats-key-file=${file(`nats-${app}.key`)}`,
      ...(postgresUrl === undefined ? [] : [`--postgres-url=${postgresUrl}`]),
      `--metrics-address=unix:${socket}`,
    ];
    const server = await startProcess(process.execPath, [...nodeArgs, main, ...args, ...common], () =>
      answersReady(socket),
    );
    services.add(server);
    return server;
  }

  return {
    nats,
    log: {
      servers: [natsUrl],
      tls: { caFile: file('nats-ca.crt'), certFile: file('nats-apiserver.crt'), keyFile: file('nats-apiserver.key') },
    },
    access: {
      url: `https://127.0.0.1:${port}`,
      ca: readFileSync(file('ca.crt')),
      cert: readFileSync(file('admin.crt')),
      key: readFileSync(file('admin.key')),
    },
    startApiserver: (options = {}) =>
      startService(
        'apiserver',
        [
          '--name=bench',
          `--listen-address=127.0.0.1:${port}`,
          `--grpc-listen-address=127.0.0.1:${grpcPort}`,
          '--advertise-address=127.0.0.1',
          `--advertise-port=${port}`,
          '--service-cluster-ip-range=10.96.0.0/16',
          `--client-ca-file=${file('ca.crt')}`,
          `--tls-cert-file=${file('apiserver.crt')}`,
          `--tls-key-file=${file('apiserver.key')}`,
          `--service-account-key-file=${file('service-account.key')}`,
          `--kubelet-client-cert-file=${file('apiserver-kubelet-client.crt')}`,
          `--kubelet-client-key-file=${file('apiserver-kubelet-client.key')}`,
          `--cluster-key-file=${file('cluster.key')}`,
        ],
        options,
      ),
    startProjector: (options) => startService('projector', [], options),
    metricsSocket,
    async stop() {
      for (const server of services) await server.stop();
      await nats.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
