/** The names of everything a node has on its machine, derived from the cluster's and the node's name alone. */
import { createHash } from 'node:crypto';

/** Which node of which cluster. */
export interface NodeIdentity {
  readonly clusterName: string;
  readonly nodeName: string;
}

export interface NodeNames {
  /** The network namespace, a file below /run/netns. */
  readonly netns: string;
  /** The veth's end on the host; at most 15 characters, as the kernel demands. */
  readonly hostLink: string;
  /** The veth's end in the node. */
  readonly nodeLink: string;
  /** The nftables table on the host that holds the masquerade rule. */
  readonly table: string;
  /** The comment that marks our rules in tables that we share with others. */
  readonly mark: string;
  /** The CNI network, and so the folder of host-local's state and the prefix of libcni's cached results. */
  readonly cniNetwork: string;
}

/** Every network namespace of ours begins with it. */
export const netnsPrefix = 'pp-';
/** Every link of ours on the host begins with it; the dash keeps it apart from PPP's ppp0. */
export const linkPrefix = 'pp-';

const clusterNamePattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const nodeNamePattern = /^[a-z0-9]([a-z0-9.-]{0,180}[a-z0-9])?$/;

/** A name that cannot be part of a path or a namespace's name. */
export class NodeNameError extends Error {
  readonly code = 'NodeNameInvalid';
  constructor(readonly value: string) {
    super(`${JSON.stringify(value)} is no name for a cluster or node`);
    this.name = 'NodeNameError';
  }
}

/** Throws NodeNameError unless `clusterName` may be part of a path. */
export function checkClusterName(clusterName: string): void {
  if (!clusterNamePattern.test(clusterName)) throw new NodeNameError(clusterName);
}

/** Throws NodeNameError for names that are not DNS labels (cluster) or subdomains (node). */
export function nodeNames({ clusterName, nodeName }: NodeIdentity): NodeNames {
  checkClusterName(clusterName);
  if (!nodeNamePattern.test(nodeName) || nodeName.includes('..')) throw new NodeNameError(nodeName);
  const hash = createHash('sha256').update(`${clusterName}/${nodeName}`).digest('hex').slice(0, 8);
  const netns = `${netnsPrefix}${clusterName}-${nodeName}`;
  return {
    netns,
    hostLink: `${linkPrefix}${hash}`,
    nodeLink: `${linkPrefix}${hash}n`,
    table: `periplus_${hash}`,
    mark: `periplus ${hash}`,
    cniNetwork: netns,
  };
}

/** Where `ip netns` keeps named namespaces. */
export const netnsFolder = '/run/netns';

/** The file by which the node's namespace is entered (`nsenter --net=FILE`). */
export function nodeNetnsPath(identity: NodeIdentity): string {
  return `${netnsFolder}/${nodeNames(identity).netns}`;
}
