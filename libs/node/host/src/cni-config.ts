/** The node's CNI network: the configuration that containerd reads, and the state that the plugins keep. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { removeNetns } from './netns.js';

export interface CniNetwork {
  readonly name: string;
  readonly podCidr: string;
  readonly mtu: number;
}

const fileName = '10-periplus.conflist';
/** The bridge's name in the node's namespace. */
const podBridge = 'pp-pods';
const ipamFolder = '/var/lib/cni/networks';
const resultsFolder = '/var/lib/cni/results';

/**
 * Pods get an address of `podCidr` from host-local and hang on one bridge; nothing is masqueraded here, since the host
 * does it for what leaves the machine. Hairpin mode lets a pod reach itself through a service. The loopback link is
 * containerd's own doing.
 */
function cniConfig({ name, podCidr, mtu }: CniNetwork): object {
  return {
    cniVersion: '1.0.0',
    name,
    plugins: [
      {
        type: 'bridge',
        bridge: podBridge,
        isGateway: true,
        ipMasq: false,
        hairpinMode: true,
        mtu,
        ipam: { type: 'host-local', ranges: [[{ subnet: podCidr }]], routes: [{ dst: '0.0.0.0/0' }] },
      },
      { type: 'portmap', capabilities: { portMappings: true }, snat: true },
    ],
  };
}

/** Writes the configuration into `folder`, whole or not at all; containerd sees it without a restart. */
export async function writeCniConfig(folder: string, network: CniNetwork): Promise<void> {
  const path = join(folder, fileName);
  const content = `${JSON.stringify(cniConfig(network), undefined, 2)}\n`;
  await mkdir(folder, { recursive: true });
  if ((await readFile(path, 'utf8').catch(() => '')) === content) return;
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}

export async function removeCniConfig(folder: string): Promise<void> {
  await rm(join(folder, fileName), { force: true });
  await rm(join(folder, `${fileName}.new`), { force: true });
}

interface CachedResult {
  readonly networkName?: unknown;
  readonly result?: { readonly interfaces?: readonly { readonly sandbox?: unknown }[] };
}

/** The pods' namespaces that a cached result of libcni speaks of, if it is of the network `name`. */
function sandboxesOf(name: string, text: string): readonly string[] | undefined {
  let cached: CachedResult;
  try {
    cached = JSON.parse(text) as CachedResult;
  } catch {
    return undefined;
  }
  if (cached.networkName !== name) return undefined;
  return (cached.result?.interfaces ?? []).flatMap(({ sandbox }) => (typeof sandbox === 'string' ? [sandbox] : []));
}

async function removeIfEmpty(folder: string): Promise<void> {
  const entries = await readdir(folder).catch(() => undefined);
  if (entries?.length === 0) await rm(folder, { recursive: true, force: true });
}

/**
 * Removes what the plugins and libcni keep of the network `name`: addresses, cached results, and the namespaces of pods
 * that nobody took down.
 */
export async function removeCniState(name: string): Promise<void> {
  for (const file of await readdir(resultsFolder).catch(() => [])) {
    if (!file.startsWith(`${name}-`)) continue;
    const path = join(resultsFolder, file);
    const sandboxes = sandboxesOf(name, await readFile(path, 'utf8').catch(() => ''));
    if (sandboxes === undefined) continue;
    for (const sandbox of sandboxes) {
      const pod = /^(?:\/var)?\/run\/netns\/(cni-[0-9a-f-]+)$/.exec(resolve(sandbox))?.[1];
      if (pod !== undefined) await removeNetns(pod);
    }
    await rm(path, { force: true });
  }
  await rm(join(ipamFolder, name), { recursive: true, force: true });
  for (const folder of [resultsFolder, ipamFolder]) await removeIfEmpty(folder);
}
