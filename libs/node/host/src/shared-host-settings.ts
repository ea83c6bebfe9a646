/**
 * What all nodes on a machine need once: IPv4 forwarding, and the mount at /run/netns that `ip netns add` makes.
 * Whoever switches one on notes it; whoever removes the last node switches off what was noted. Call under the host lock.
 */
import { access, mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { listMounts, unmount } from './mounts.js';
import { netnsFolder, netnsPrefix } from './node-names.js';
import { runCommand } from './run-command.js';

/** Notes of what we switched on; in memory, as what they are about, so that both end with a reboot. */
const notesFolder = '/run/periplus-host';
const forwardingPath = '/proc/sys/net/ipv4/ip_forward';
const forwardingNote = `${notesFolder}/ip-forward-was-off`;
const netnsNote = `${notesFolder}/netns-mount-was-absent`;

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

async function note(path: string): Promise<void> {
  await mkdir(notesFolder, { recursive: true, mode: 0o755 });
  await writeFile(path, '');
}

/** Notes whether /run/netns is there yet; call before the first `ip netns add`. */
export async function noteNetnsMount(): Promise<void> {
  if (await exists(netnsFolder)) return;
  await note(netnsNote);
  await mkdir(netnsFolder, { recursive: true });
}

export async function enableForwarding(): Promise<void> {
  if ((await readFile(forwardingPath, 'utf8')).trim() !== '0') return;
  await note(forwardingNote);
  await writeFile(forwardingPath, '1');
}

async function namespaces(): Promise<readonly string[]> {
  return (await exists(netnsFolder)) ? readdir(netnsFolder) : [];
}

/** Kinds of links that others forward packets over: Docker's bridge, a VPN. */
const forwardingKinds = new Set(['bridge', 'veth', 'tun', 'wireguard', 'macvlan', 'ipvlan', 'vxlan']);

/** They may have found forwarding on and rely on it by now. */
async function othersForward(): Promise<boolean> {
  const { stdout } = await runCommand(['ip', '-json', '-details', 'link', 'show']);
  const links = JSON.parse(stdout) as readonly { readonly linkinfo?: { readonly info_kind?: string } }[];
  return links.some(({ linkinfo }) => forwardingKinds.has(linkinfo?.info_kind ?? ''));
}

/** Undoes the two when no node of ours is left on the machine; the mount stays while anybody's namespace is in it. */
export async function restoreSharedSettings(): Promise<void> {
  const left = await namespaces();
  if (left.some((name) => name.startsWith(netnsPrefix))) return;
  if (await exists(forwardingNote)) {
    if (!(await othersForward())) await writeFile(forwardingPath, '0');
    await rm(forwardingNote);
  }
  if ((await exists(netnsNote)) && left.length === 0) {
    const mounts = (await listMounts()).filter((mount) => mount.target === netnsFolder);
    for (const mount of mounts) await unmount(mount.target);
    if (await exists(netnsFolder)) await rmdir(netnsFolder);
    await rm(netnsNote);
  }
  if ((await exists(notesFolder)) && (await readdir(notesFolder)).length === 0) await rmdir(notesFolder);
}
