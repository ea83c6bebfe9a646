/**
 * A node as a network namespace of its machine: a veth to the host, routes both ways, one masquerade rule, a CNI network.
 *
 *   host: 10.0.0.1 ── pp-1a2b3c4d ══ pp-1a2b3c4dn ── node: 10.0.0.2 ── pp-pods (bridge) ── pods
 *   host routes pods and services via 10.0.0.2; the node routes everything else via 10.0.0.1
 */
import { access } from 'node:fs/promises';
import { removeCniConfig, removeCniState, writeCniConfig } from './cni-config.js';
import { withHostLock } from './host-lock.js';
import { ensureHostRules, removeHostRules } from './host-rules.js';
import { ensureNetns, removeNetns, runInNetns } from './netns.js';
import { type NodeIdentity, type NodeNames, nodeNames, nodeNetnsPath } from './node-names.js';
import { runCommand } from './run-command.js';
import { enableForwarding, noteNetnsMount, restoreSharedSettings } from './shared-host-settings.js';

export interface NodeNetworkOptions extends NodeIdentity {
  /** Tells the nodes of a cluster on one machine apart, from 0: the service range is routed to the lowest that is up. */
  readonly index: number;
  /** The host's end of the link between host and node. */
  readonly hostAddress: string;
  /** The node's end, its InternalIP. */
  readonly nodeAddress: string;
  /** Of the link's network, which both addresses are in and no other node is. */
  readonly prefixLength: number;
  readonly podCidr: string;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  /** Where the node's containerd looks for networks. */
  readonly cniConfDir: string;
}

export interface NodeNetwork {
  readonly netns: string;
  /** Enter it with `nsenter --net=PATH`. */
  readonly netnsPath: string;
  readonly hostLink: string;
  readonly nodeLink: string;
  readonly mtu: number;
}

interface LinkJson {
  readonly ifname: string;
  readonly mtu: number;
}

interface AddressJson {
  readonly addr_info?: readonly { readonly family: string; readonly local: string; readonly prefixlen: number }[];
}

const mtuDefault = 1500;
const routeMetricBase = 100;

async function ipJson<T>(args: readonly string[], netnsPath?: string): Promise<readonly T[]> {
  const argv = ['ip', '-json', ...args];
  const { stdout } = await (netnsPath === undefined ? runCommand(argv) : runInNetns(netnsPath, argv));
  return stdout.trim() === ''
    ? []
    : (JSON.parse(stdout) as T[]).filter((entry) => Object.keys(entry as object).length > 0);
}

/** Of the link that the host's default route leaves by; what is larger would not pass. */
async function defaultLinkMtu(): Promise<number> {
  const [route] = await ipJson<{ readonly dev?: string }>(['route', 'show', 'default']);
  if (route?.dev === undefined) return mtuDefault;
  const [link] = await ipJson<LinkJson>(['link', 'show', 'dev', route.dev]);
  return link?.mtu ?? mtuDefault;
}

/** Runs `ip`'s lines as one process; on the host or in the node. */
async function ipBatch(lines: readonly string[], netnsPath?: string): Promise<void> {
  const argv = ['ip', '-batch', '-'];
  const options = { stdin: `${lines.join('\n')}\n` };
  await (netnsPath === undefined ? runCommand(argv, options) : runInNetns(netnsPath, argv, options));
}

async function hasLink(name: string, netnsPath?: string): Promise<boolean> {
  const links = await ipJson<LinkJson>(['link', 'show'], netnsPath);
  return links.some((link) => link.ifname === name);
}

async function ensureVeth(names: NodeNames, netnsPath: string, mtu: number): Promise<void> {
  const [onHost, inNode] = await Promise.all([hasLink(names.hostLink), hasLink(names.nodeLink, netnsPath)]);
  if (onHost && inNode) return;
  // Half a pair is what a namespace that went away leaves for a moment.
  if (onHost) await runCommand(['ip', 'link', 'delete', 'dev', names.hostLink]);
  const peer = ['peer', 'name', names.nodeLink, 'mtu', String(mtu), 'netns', names.netns];
  await runCommand(['ip', 'link', 'add', names.hostLink, 'mtu', String(mtu), 'type', 'veth', ...peer]);
}

/** The lines that leave `address` as the link's only IPv4 address. */
async function addressLines(link: string, address: string, netnsPath?: string): Promise<readonly string[]> {
  const [shown] = await ipJson<AddressJson>(['address', 'show', 'dev', link], netnsPath);
  const stale = (shown?.addr_info ?? [])
    .filter(({ family }) => family === 'inet')
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`)
    .filter((present) => present !== address);
  return [...stale.map((present) => `address delete ${present} dev ${link}`), `address replace ${address} dev ${link}`];
}

/** Writes kernel settings inside the node; /proc/sys/net shows the namespace of whoever opens it. */
async function setInNode(netnsPath: string, value: string, settings: readonly string[]): Promise<void> {
  await runInNetns(netnsPath, ['tee', ...settings.map((setting) => `/proc/sys/net/${setting}`)], { stdin: value });
}

const bridgeSetting = 'bridge/bridge-nf-call-iptables';

async function loadBridgeFilter(): Promise<boolean> {
  const present = (): Promise<boolean> =>
    access(`/proc/sys/net/${bridgeSetting}`).then(
      () => true,
      () => false,
    );
  if (await present()) return true;
  await runCommand(['modprobe', 'br_netfilter']).catch(() => undefined);
  return present();
}

/** The kernel cannot show bridged packets to the service rules, so pods of one node could not talk through services. */
export class BridgeFilterMissingError extends Error {
  readonly code = 'BridgeFilterMissing';
  constructor() {
    super('the kernel module br_netfilter is neither loaded nor loadable (try: modprobe br_netfilter)');
    this.name = 'BridgeFilterMissingError';
  }
}

async function configureNode(options: NodeNetworkOptions, names: NodeNames, netnsPath: string): Promise<void> {
  const { hostAddress, nodeAddress, prefixLength } = options;
  await ipBatch(
    [
      'link set dev lo up',
      ...(await addressLines(names.nodeLink, `${nodeAddress}/${prefixLength}`, netnsPath)),
      `link set dev ${names.nodeLink} up`,
      `route replace default via ${hostAddress} dev ${names.nodeLink}`,
    ],
    netnsPath,
  );
  await setInNode(netnsPath, '1', ['ipv4/ip_forward', bridgeSetting]);
  // Answers of a translated connection come in on another link than a check of reverse paths would have them; and the
  // host is not told that it could reach a service by itself, as it would be where the endpoint is the host.
  await setInNode(netnsPath, '0', [
    'ipv4/conf/all/send_redirects',
    `ipv4/conf/${names.nodeLink}/send_redirects`,
    'ipv4/conf/all/rp_filter',
    'ipv4/conf/default/rp_filter',
    `ipv4/conf/${names.nodeLink}/rp_filter`,
  ]);
}

async function configureHost(options: NodeNetworkOptions, names: NodeNames): Promise<void> {
  const { hostAddress, nodeAddress, prefixLength, podCidr, serviceCidr, index } = options;
  await ipBatch([
    ...(await addressLines(names.hostLink, `${hostAddress}/${prefixLength}`)),
    `link set dev ${names.hostLink} up`,
    `route replace ${podCidr} via ${nodeAddress} dev ${names.hostLink}`,
    `route replace ${serviceCidr} via ${nodeAddress} dev ${names.hostLink} metric ${routeMetricBase + index}`,
  ]);
  // 2 is loose: the higher of the link's and the machine's own setting counts, so 0 could not undo a strict one.
  await runCommand(['tee', `/proc/sys/net/ipv4/conf/${names.hostLink}/rp_filter`], { stdin: '2' });
}

const masqueradeOf = ({ podCidr, nodeAddress }: Pick<NodeNetworkOptions, 'podCidr' | 'nodeAddress'>) => ({
  sources: [podCidr, `${nodeAddress}/32`],
});

/** Makes the node's network, or brings an existing one to what `options` say; connections through it survive that. */
export function createNodeNetwork(options: NodeNetworkOptions): Promise<NodeNetwork> {
  const names = nodeNames(options);
  const netnsPath = nodeNetnsPath(options);
  return withHostLock(async () => {
    if (!(await loadBridgeFilter())) throw new BridgeFilterMissingError();
    const mtu = await defaultLinkMtu();
    await noteNetnsMount();
    await ensureNetns(names.netns);
    await ensureVeth(names, netnsPath, mtu);
    await configureHost(options, names);
    await configureNode(options, names, netnsPath);
    await enableForwarding();
    await ensureHostRules(names, masqueradeOf(options));
    await writeCniConfig(options.cniConfDir, { name: names.cniNetwork, podCidr: options.podCidr, mtu });
    return { netns: names.netns, netnsPath, hostLink: names.hostLink, nodeLink: names.nodeLink, mtu };
  });
}

/**
 * Removes all that `createNodeNetwork` made and what the CNI plugins keep of it; does nothing where nothing is left.
 * Processes in the node must have ended before: a namespace lives as long as they do.
 */
export function destroyNodeNetwork(
  options: NodeIdentity & Pick<NodeNetworkOptions, 'podCidr' | 'nodeAddress' | 'cniConfDir'>,
): Promise<void> {
  const names = nodeNames(options);
  return withHostLock(async () => {
    await removeCniState(names.cniNetwork);
    await removeCniConfig(options.cniConfDir);
    await removeHostRules(names, masqueradeOf(options));
    if (await hasLink(names.hostLink)) await runCommand(['ip', 'link', 'delete', 'dev', names.hostLink]);
    await removeNetns(names.netns);
    await restoreSharedSettings();
  });
}
