/** Puts the kubelet together: the runtime behind its socket, this machine, the API, and the server that the apiserver asks. */
import { mkdir, readFile } from 'node:fs/promises';
import type { Random, Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient } from '@periplus/client/api-client';
import { createCri } from '@periplus/node/cri';
import { detectCgroups, ensureCgroup } from '@periplus/node/host';
import { startKubeletServer } from '@periplus/node/kubelet-server';
import { createLogRotator, createMachinePodHost, createNetworkProber, readResolverFile } from '@periplus/node/pod-host';
import { createKubelet } from '@periplus/node/pod-lifecycle';
import type { Registry } from 'prom-client';
import type { KubeletConfig } from './config.js';
import { registerKubeletMetrics } from './kubelet-metrics.js';
import { describeNode } from './node-description.js';
import { nodePressure } from './node-pressure.js';
import { createStaticPodFolder } from './static-pod-folder.js';

/** The common name of the certificate with which the apiserver comes. */
const APISERVER_NAME = 'periplus-apiserver-kubelet-client';

export interface KubeletParts {
  readonly config: KubeletConfig;
  readonly client: ApiClient;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  readonly registry: Registry;
}

export interface KubeletProcess {
  /** Rejects with what is wrong. */
  checkHealth(): Promise<void>;
  checkReady(): void;
  /** Containers run on. */
  stop(): Promise<void>;
}

export async function startKubelet(parts: KubeletParts): Promise<KubeletProcess> {
  const { config, client, time, random, logger, registry } = parts;
  await mkdir(config.rootDir, { recursive: true, mode: 0o755 });
  const cgroups = await detectCgroups();
  await ensureCgroup(cgroups, config.cgroupParent);
  const cri = createCri({ socketPath: config.containerdSocket });
  const node = await describeNode(config);
  const kubelet = createKubelet({
    client,
    runtime: cri.runtime,
    host: createMachinePodHost({ rootDir: config.rootDir, cgroups, cgroupParent: config.cgroupParent }),
    prober: createNetworkProber(),
    node,
    clusterDns: config.clusterDns,
    clusterDomain: config.clusterDomain,
    nodeDns: await readResolverFile(),
    drainMs: config.drainInterval,
    pressure: () => nodePressure(config.rootDir),
    ...(config.apiserverHost === undefined
      ? {}
      : { apiserver: { host: config.apiserverHost, port: config.apiserverPort } }),
    ...(config.staticPodDir === undefined ? {} : { staticPods: createStaticPodFolder(config.staticPodDir, logger) }),
    time,
    random,
    logger,
  });
  const rotator = createLogRotator({ rootDir: config.rootDir, runtime: cri.runtime, time, logger });
  registerKubeletMetrics(registry, kubelet);
  const [cert, key, clientCa] = await Promise.all(
    [config.serverCertFile, config.serverKeyFile, config.clientCaFile].map((path) => readFile(path, 'utf8')),
  );
  const server = await startKubeletServer({
    host: config.nodeAddress,
    port: config.port,
    cert: cert ?? '',
    key: key ?? '',
    clientCa: clientCa ?? '',
    clientName: APISERVER_NAME,
    nodeName: config.nodeName,
    pods: kubelet,
    runtime: cri.runtime,
    streams: cri.streams,
    registry,
    logger,
    checkHealth: () => kubelet.checkHealth(),
  });
  kubelet.start();
  rotator.start();
  return {
    checkHealth: () => kubelet.checkHealth(),
    checkReady() {
      if (!kubelet.isReady()) throw new Error('the node is not registered or its pods are not known yet');
    },
    async stop() {
      rotator.stop();
      kubelet.stop();
      await server.close();
      cri.close();
    },
  };
}
