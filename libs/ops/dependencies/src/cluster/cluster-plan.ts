/** The names, ports and address ranges of one cluster: a pure function of its name and its number on this machine. */
import { parseCidr } from './cidr.js';

export const defaultClusterName = 'default';
const clusterIndexMax = 63;

/** 40 characters: the longest socket path under /var/lib/periplus must stay under 108 bytes. */
const clusterNamePattern = /^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/;

export function isClusterName(name: string): boolean {
  return clusterNamePattern.test(name);
}

export interface NodePlan {
  readonly name: string;
  /** Of the network namespace, in /run/netns. */
  readonly namespace: string;
  readonly address: string;
  readonly podCidr: string;
  /** The control group above all of the node's pods. */
  readonly cgroupParent: string;
}

export interface ClusterPlan {
  /** Of this format. */
  readonly version: 1;
  readonly name: string;
  /** Which cluster of this machine it is; all numbers below follow from it. */
  readonly index: number;
  readonly contextName: string;
  readonly ports: {
    readonly apiserver: number;
    readonly grpc: number;
    readonly registry: number;
    readonly nats: number;
    /** Names the socket; Postgres listens on no address. */
    readonly postgres: number;
    readonly kubelet: number;
  };
  /** The host's end of the link to the nodes. */
  readonly hostAddress: string;
  readonly linkCidr: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
  /** The `kubernetes` Service. */
  readonly apiserverServiceAddress: string;
  readonly dnsServiceAddress: string;
  readonly clusterDomain: string;
  readonly nodePortRange: string;
  readonly nodes: readonly NodePlan[];
  /** Set where there is nothing but the API: no controllers, no scheduler, no projection, no nodes, no network. */
  readonly only?: 'apiserver';
}

/** Of the kubeconfig. */
export function contextNameOf(name: string): string {
  return name === defaultClusterName ? 'periplus' : `periplus-${name}`;
}

export function planCluster(name: string, index: number): ClusterPlan {
  return {
    version: 1,
    name,
    index,
    contextName: contextNameOf(name),
    ports: {
      apiserver: 6443 + 10 * index,
      grpc: 6444 + 10 * index,
      registry: 6445 + 10 * index,
      nats: 4222 + 10 * index,
      postgres: 54320 + index,
      kubelet: 10250,
    },
    hostAddress: `10.${128 + index}.0.1`,
    linkCidr: `10.${128 + index}.0.0/24`,
    podCidr: `10.${64 + index}.0.0/16`,
    serviceCidr: `10.${192 + index}.0.0/16`,
    apiserverServiceAddress: `10.${192 + index}.0.1`,
    dnsServiceAddress: `10.${192 + index}.0.10`,
    clusterDomain: 'cluster.local',
    nodePortRange: '30000-32767',
    nodes: [
      {
        name: 'node0',
        namespace: `pp-${name}-node0`,
        address: `10.${128 + index}.0.10`,
        podCidr: `10.${64 + index}.0.0/24`,
        cgroupParent: `/periplus-${name}/node0`,
      },
    ],
  };
}

/** Of an API on its own, which is reached by loopback alone. */
function withoutNodes(plan: ClusterPlan): ClusterPlan {
  return { ...plan, hostAddress: '127.0.0.1', nodes: [], only: 'apiserver' };
}

/** What the machine has already given away. */
export interface MachineUse {
  /** Of other clusters, running or not. */
  readonly indexes: readonly number[];
  readonly tcpPorts: readonly number[];
  /** Destinations of routes and addresses of interfaces, as CIDRs; the default route left out. */
  readonly ranges: readonly string[];
}

/** Why a plan does not fit the machine, or undefined when it does. */
export function findPlanConflict(plan: ClusterPlan, use: MachineUse): string | undefined {
  if (use.indexes.includes(plan.index)) return `cluster number ${plan.index} is taken`;
  const { apiserver, grpc, registry, nats } = plan.ports;
  const port = [apiserver, grpc, registry, nats].find((candidate) => use.tcpPorts.includes(candidate));
  if (port !== undefined) return `port ${port} is taken`;
  // Without nodes nothing is routed.
  if (plan.only !== undefined) return undefined;
  for (const own of [plan.linkCidr, plan.podCidr, plan.serviceCidr]) {
    const other = use.ranges.find((range) => rangesOverlap(own, range));
    if (other !== undefined) return `range ${own} overlaps ${other}`;
  }
  return undefined;
}

function rangesOverlap(left: string, right: string): boolean {
  const [a, b] = [parseCidr(left), parseCidr(right)];
  return a !== undefined && b !== undefined && a.first <= b.last && b.first <= a.last;
}

export interface PlanWishes {
  /** Which number to begin with. */
  readonly index?: number | undefined;
  readonly only?: 'apiserver' | undefined;
}

/**
 * The first number that fits, beginning with the one wished for; the default cluster prefers 0, which others leave to it. Undefined when none
 * is left.
 */
export function chooseClusterPlan(
  name: string,
  use: MachineUse,
  { index: wanted, only }: PlanWishes = {},
): ClusterPlan | undefined {
  const start = wanted ?? (name === defaultClusterName ? 0 : 1);
  for (let offset = 0; offset <= clusterIndexMax; offset++) {
    const whole = planCluster(name, (start + offset) % (clusterIndexMax + 1));
    const plan = only === undefined ? whole : withoutNodes(whole);
    if (findPlanConflict(plan, use) === undefined) return plan;
  }
  return undefined;
}
