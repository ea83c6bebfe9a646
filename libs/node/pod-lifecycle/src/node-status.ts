/** What a node says of itself: capacity, conditions, addresses, versions, images. */
import type { Node, NodeCondition, NodeStatus } from '@periplus/api/kinds';
import { formatTime } from '@periplus/base/clock';
import type { ImageInfo, RuntimeInfo } from './runtime.js';

/** As told by the machine, or by the configuration. */
export interface NodeDescription {
  readonly name: string;
  readonly addresses: readonly { readonly type: string; readonly address: string }[];
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: Readonly<Record<string, string>>;
  readonly allocatable: Readonly<Record<string, string>>;
  readonly podCidr: string;
  readonly kubeletVersion: string;
  readonly kubeletPort: number;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly operatingSystem: string;
  readonly architecture: string;
  readonly unschedulable: boolean;
  readonly taints: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
}

/** What presses on the node now. */
export interface NodePressure {
  readonly memory: boolean;
  readonly disk: boolean;
  readonly pids: boolean;
}

export const noPressure: NodePressure = { memory: false, disk: false, pids: false };

/** Upstream's number of images told, largest first. */
const IMAGES_MAX = 50;

interface Verdict {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

function verdicts(runtime: RuntimeInfo, pressure: NodePressure): Verdict[] {
  const told = (type: string, under: boolean, yes: [string, string], no: [string, string]): Verdict => {
    const [reason, message] = under ? yes : no;
    return { type, status: under ? 'True' : 'False', reason, message };
  };
  return [
    told(
      'MemoryPressure',
      pressure.memory,
      ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
      ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    ),
    told(
      'DiskPressure',
      pressure.disk,
      ['KubeletHasDiskPressure', 'kubelet has disk pressure'],
      ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
    ),
    told(
      'PIDPressure',
      pressure.pids,
      ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
      ['KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
    ),
    told(
      'Ready',
      runtime.ready,
      ['KubeletReady', 'kubelet is posting ready status'],
      ['KubeletNotReady', `container runtime is down or its network is not ready: ${runtime.message}`],
    ),
  ];
}

function toCondition(verdict: Verdict, before: readonly NodeCondition[], nowMs: number): NodeCondition {
  const known = before.find((condition) => condition.type === verdict.type);
  const same = known?.status === verdict.status ? known.lastTransitionTime : undefined;
  const { type, status, reason, message } = verdict;
  return {
    type,
    status,
    lastHeartbeatTime: formatTime(nowMs),
    lastTransitionTime: same ?? formatTime(nowMs),
    reason,
    message,
  };
}

export function nodeStatus(
  node: NodeDescription,
  runtime: RuntimeInfo,
  images: readonly ImageInfo[],
  pressure: NodePressure,
  before: readonly NodeCondition[],
  nowMs: number,
): NodeStatus {
  return {
    capacity: { ...node.capacity },
    allocatable: { ...node.allocatable },
    conditions: verdicts(runtime, pressure).map((verdict) => toCondition(verdict, before, nowMs)),
    addresses: node.addresses.map(({ type, address }) => ({ type, address })),
    daemonEndpoints: { kubeletEndpoint: { Port: node.kubeletPort } },
    nodeInfo: {
      machineID: node.machineId,
      systemUUID: node.systemUuid,
      bootID: node.bootId,
      kernelVersion: node.kernelVersion,
      osImage: node.osImage,
      containerRuntimeVersion: `${runtime.name}://${runtime.version}`,
      kubeletVersion: node.kubeletVersion,
      kubeProxyVersion: '',
      operatingSystem: node.operatingSystem,
      architecture: node.architecture,
    },
    images: [...images]
      .sort((a, b) => b.sizeBytes - a.sizeBytes)
      .slice(0, IMAGES_MAX)
      .map((image) => ({ names: [...image.repoDigests, ...image.repoTags].slice(0, 5), sizeBytes: image.sizeBytes })),
  };
}

/** The object to register with; its status follows at once by a write of its own. */
export function nodeObject(node: NodeDescription): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node.name, labels: { ...node.labels } },
    spec: {
      ...(node.podCidr === '' ? {} : { podCIDR: node.podCidr, podCIDRs: [node.podCidr] }),
      ...(node.unschedulable ? { unschedulable: true } : {}),
      ...(node.taints.length === 0 ? {} : { taints: node.taints.map((taint) => ({ ...taint })) }),
    },
  };
}

/** The status but for what changes with every heartbeat; equal texts need no write. */
export function comparableStatus(status: NodeStatus): string {
  const conditions = status.conditions?.map(({ lastHeartbeatTime: _, ...rest }) => rest);
  return JSON.stringify({ ...status, conditions });
}
