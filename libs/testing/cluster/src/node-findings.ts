/** What is on this machine because of a cluster's node, each thing with who must own it: what rule J8 judges. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod, Service } from '@periplus/api/kinds';
import { createCri } from '@periplus/node/cri';
import { detectCgroups, listMounts, nodeNetnsPath, runInNetns } from '@periplus/node/host';
import { checkClean, type Finding, type LivingOwners, type Violation } from '@periplus/testing/judge';
import type { Cluster } from './cluster.js';

/** What the node's kubelet was told. */
interface NodeConfig {
  readonly clusterName: string;
  readonly nodeName: string;
  readonly rootDir: string;
  readonly containerdSocket: string;
  readonly cgroupParent: string;
  readonly cniConfDir: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
}

type Owner = Finding['owner'];
const pod = (uid: string): Owner => ({ type: 'pod', uid });
const container = (id: string): Owner => ({ type: 'container', id });

const entriesOf = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

async function findContainers({ containerdSocket }: NodeConfig): Promise<Finding[]> {
  const cri = createCri({ socketPath: containerdSocket });
  try {
    const [sandboxes, containers] = await Promise.all([cri.runtime.listSandboxes(), cri.runtime.listContainers()]);
    return [
      ...sandboxes.map((found): Finding => ({ kind: 'sandbox', name: found.id, owner: pod(found.pod.uid) })),
      ...containers.map((found): Finding => ({ kind: 'container', name: found.id, owner: pod(found.pod.uid) })),
    ];
  } finally {
    cri.close();
  }
}

async function findControlGroups({ cgroupParent }: NodeConfig): Promise<Finding[]> {
  const { trees } = await detectCgroups();
  const folders = [...new Set(trees.values())].map((tree) => join(tree, cgroupParent));
  const found: Finding[] = [];
  for (const folder of folders)
    for (const name of await entriesOf(folder))
      if (name.startsWith('pod'))
        found.push({ kind: 'control group', name: join(folder, name), owner: pod(name.slice('pod'.length)) });
  return found;
}

/** What the CNI plugins and libcni remember of the node's network, by the sandbox for which it was done. */
interface CniMemory {
  readonly findings: readonly Finding[];
  /** Of links on the pods' bridge, and of the pods' namespaces. */
  readonly sandboxOf: ReadonlyMap<string, string>;
}

async function readCniMemory({ cniConfDir }: NodeConfig): Promise<CniMemory> {
  const [file = ''] = (await entriesOf(cniConfDir)).filter((name) => name.endsWith('.conflist'));
  const { name: network } = JSON.parse(await readFile(join(cniConfDir, file), 'utf8')) as { name: string };
  const findings: Finding[] = [];
  const sandboxOf = new Map<string, string>();
  const results = '/var/lib/cni/results';
  for (const name of await entriesOf(results)) {
    if (!name.startsWith(`${network}-`)) continue;
    const { containerId, result } = JSON.parse(await readFile(join(results, name), 'utf8')) as {
      containerId: string;
      result?: { interfaces?: { name: string; sandbox?: string }[] };
    };
    findings.push({ kind: 'address', name: join(results, name), owner: container(containerId) });
    for (const { name: link, sandbox = '' } of result?.interfaces ?? [])
      sandboxOf.set(sandbox === '' ? link : sandbox, containerId);
  }
  const addresses = join('/var/lib/cni/networks', network);
  for (const name of await entriesOf(addresses)) {
    if (!/^[0-9.]+$/.test(name)) continue;
    const [id = ''] = (await readFile(join(addresses, name), 'utf8')).split('\n');
    findings.push({ kind: 'address', name: join(addresses, name), owner: container(id.trim()) });
  }
  return { findings, sandboxOf };
}

async function findMounts({ rootDir, containerdSocket }: NodeConfig, cni: CniMemory): Promise<Finding[]> {
  const containerd = join(containerdSocket, '..', '..', 'containerd');
  const podFolder = join(rootDir, 'pods/');
  return (await listMounts()).flatMap(({ target }): Finding[] => {
    if (target.startsWith(podFolder))
      return [{ kind: 'mount', name: target, owner: pod(target.slice(podFolder.length).split('/')[0]!) }];
    if (!target.startsWith(containerd)) return [];
    const id = /\/(?:sandboxes|k8s\.io)\/([0-9a-f]{64})\//.exec(target)?.[1];
    if (id !== undefined) return [{ kind: 'mount', name: target, owner: container(id) }];
    if (!target.includes('/netns/cni-')) return [];
    const sandbox = cni.sandboxOf.get(target);
    return [{ kind: 'network namespace', name: target, owner: sandbox ? container(sandbox) : { type: 'nobody' } }];
  });
}

async function findLinks(netns: string, cni: CniMemory): Promise<Finding[]> {
  const { stdout } = await runInNetns(netns, ['ip', '-json', 'link', 'show', 'type', 'veth']);
  const links = JSON.parse(stdout === '' ? '[]' : stdout) as { ifname?: string; master?: string }[];
  return links.flatMap(({ ifname, master }): Finding[] => {
    if (ifname === undefined || master === undefined) return [];
    const sandbox = cni.sandboxOf.get(ifname);
    return [{ kind: 'link', name: ifname, owner: sandbox ? container(sandbox) : { type: 'nobody' } }];
  });
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function isWithin(address: string, cidr: string): boolean {
  const [base = '', bits = '32'] = cidr.split('/');
  const size = 2 ** (32 - Number(bits));
  return Math.floor(toNumber(address) / size) === Math.floor(toNumber(base) / size);
}

/** By the addresses that rules name; a range is nobody's. The first addresses of a range are its network and gateway. */
async function findRules(netns: string, { podCidr, serviceCidr }: NodeConfig): Promise<Finding[]> {
  const listed = await Promise.all(
    [['nft', 'list', 'ruleset'], ['iptables-save']].map((argv) =>
      runInNetns(netns, argv).then(
        ({ stdout }) => stdout,
        () => '',
      ),
    ),
  );
  const found = new Map<string, Finding>();
  for (const line of listed.join('\n').split('\n'))
    for (const [address] of line.matchAll(/\b\d{1,3}(?:\.\d{1,3}){3}\b(?!\/(?!32))/g)) {
      const isOf = (cidr: string): boolean => isWithin(address, cidr) && toNumber(address) % 256 > 1;
      const name = line.trim().slice(0, 200);
      if (isOf(podCidr)) found.set(address, { kind: 'rule', name, owner: { type: 'podAddress', address } });
      else if (isWithin(address, serviceCidr))
        found.set(address, { kind: 'rule', name, owner: { type: 'serviceAddress', address } });
    }
  return [...found.values()];
}

async function findFolders({ rootDir }: NodeConfig): Promise<Finding[]> {
  const [pods, logs] = await Promise.all([entriesOf(join(rootDir, 'pods')), entriesOf(join(rootDir, 'logs'))]);
  return [
    ...pods.map((uid): Finding => ({ kind: 'folder', name: join(rootDir, 'pods', uid), owner: pod(uid) })),
    ...logs.map(
      (name): Finding => ({ kind: 'log', name: join(rootDir, 'logs', name), owner: pod(name.split('_').at(-1)!) }),
    ),
  ];
}

async function livingOwners(cluster: Cluster, nodeName: string): Promise<LivingOwners> {
  const all = (resource: string): string[] => ['get', resource, '--all-namespaces'];
  const [pods, services] = await Promise.all([
    cluster.kubectlJson<{ items: Pod[] }>([...all('pods'), `--field-selector=spec.nodeName=${nodeName}`]),
    cluster.kubectlJson<{ items: Service[] }>(all('services')),
  ]);
  return {
    podUids: new Set(pods.items.map(({ metadata }) => metadata?.uid ?? '')),
    podAddresses: new Set(pods.items.flatMap(({ status }) => (status?.podIPs ?? []).map(({ ip }) => ip ?? ''))),
    serviceAddresses: new Set(services.items.flatMap(({ spec }) => spec?.clusterIPs ?? [])),
  };
}

async function findAll(config: NodeConfig): Promise<Finding[]> {
  const netns = nodeNetnsPath(config);
  const cni = await readCniMemory(config);
  const parts = await Promise.all([
    findContainers(config),
    findControlGroups(config),
    findMounts(config, cni),
    findLinks(netns, cni),
    findRules(netns, config),
    findFolders(config),
  ]);
  return [...cni.findings, ...parts.flat()];
}

export interface NodeVerdict {
  readonly violations: readonly Violation[];
  /** How much was looked at, by kind: a check that finds nothing at all has looked in the wrong place. */
  readonly counts: ReadonlyMap<Finding['kind'], number>;
}

/** Judges the cluster's first node, which is this machine. Owners are asked after the findings: what they own is young. */
export async function judgeNode(cluster: Cluster): Promise<NodeVerdict> {
  const path = `/var/lib/periplus/${cluster.name}/config/kubelet.json`;
  const config = JSON.parse(await readFile(path, 'utf8')) as NodeConfig;
  const findings = await findAll(config);
  const living = await livingOwners(cluster, config.nodeName);
  const counts = new Map<Finding['kind'], number>();
  for (const { kind } of findings) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return { violations: checkClean(findings, living), counts };
}
