/** A whole node without a machine: the real kubelet on a runtime, a host and probes in memory. Many fit into a process. */
import type { Random, Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient } from '@periplus/client/api-client';
import {
  createKubelet,
  type Kubelet,
  KUBELET_VERSION,
  type NodeDescription,
  type ProbeTarget,
  type StaticPodSource,
} from '@periplus/node/pod-lifecycle';
import { createHollowHost } from './hollow-host.js';
import { createHollowProber } from './hollow-prober.js';
import { createHollowRuntime, type HollowRuntime, type HollowRuntimeOptions } from './hollow-runtime.js';

export interface HollowKubeletOptions {
  readonly client: ApiClient;
  readonly nodeName: string;
  /** IPv4; the node's own and its pods' range. */
  readonly address: string;
  readonly podCidr: string;
  readonly capacity?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** How often the runtime is looked at; 1 s by default. */
  readonly relistMs?: number;
  /** What probes over the network answer; everything is well by default. */
  readonly judge?: (target: ProbeTarget) => boolean;
  /** What commands in containers answer; exit code 0 by default. */
  readonly exec?: HollowRuntimeOptions['exec'];
  /** How long containers take to start and to stop; 0 by default. */
  readonly startMs?: number;
  readonly stopMs?: number;
  /** Pods of the node's own files; none by default. */
  readonly staticPods?: StaticPodSource;
  /** What an earlier kubelet of this node left running; a new one by default. */
  readonly runtime?: HollowRuntime;
}

export interface HollowKubelet extends Kubelet {
  readonly runtime: HollowRuntime;
}

const defaultCapacity = { cpu: '8', memory: '32Gi', pods: '110', 'ephemeral-storage': '100Gi' };

export function hollowNode(
  options: Pick<HollowKubeletOptions, 'nodeName' | 'address' | 'podCidr' | 'capacity' | 'labels'>,
): NodeDescription {
  const { nodeName, address, podCidr, capacity = defaultCapacity, labels = {} } = options;
  return {
    name: nodeName,
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: nodeName },
    ],
    labels: {
      'kubernetes.io/hostname': nodeName,
      'kubernetes.io/os': 'linux',
      'kubernetes.io/arch': 'amd64',
      ...labels,
    },
    capacity,
    allocatable: capacity,
    podCidr,
    kubeletVersion: KUBELET_VERSION,
    kubeletPort: 10250,
    machineId: nodeName,
    systemUuid: nodeName,
    bootId: nodeName,
    kernelVersion: '0.0.0-hollow',
    osImage: 'hollow',
    operatingSystem: 'linux',
    architecture: 'amd64',
    unschedulable: false,
    taints: [],
  };
}

export function createHollowKubelet(options: HollowKubeletOptions): HollowKubelet {
  const { client, podCidr, time, random, logger, relistMs } = options;
  const { startMs = 0, stopMs = 0, exec, staticPods } = options;
  const runtime = options.runtime ?? createHollowRuntime({ time, podCidr, startMs, stopMs, ...(exec ? { exec } : {}) });
  const kubelet = createKubelet({
    client,
    runtime,
    host: createHollowHost(),
    prober: createHollowProber(options.judge),
    node: hollowNode(options),
    clusterDns: [],
    clusterDomain: 'cluster.local',
    nodeDns: { servers: [], searches: [], options: [] },
    time,
    random,
    logger,
    ...(relistMs === undefined ? {} : { relistMs }),
    ...(staticPods === undefined ? {} : { staticPods }),
  });
  return { ...kubelet, runtime };
}
