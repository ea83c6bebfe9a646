/** The machine's own resolver, for pods that use it. */
import { readFile } from 'node:fs/promises';
import type { DnsConfig } from '@periplus/node/pod-lifecycle';

/** Of the lines of a resolv.conf; nameservers on loopback are of no use to a pod and are left out. */
export function parseResolverFile(text: string): DnsConfig {
  const servers: string[] = [];
  let searches: string[] = [];
  let options: string[] = [];
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    const [server] = words;
    if (keyword === 'nameserver' && server !== undefined && !/^(127\.|::1$)/.test(server)) servers.push(server);
    if (keyword === 'search') searches = words.filter((word) => word !== '.');
    if (keyword === 'options') options = words;
  }
  return { servers, searches, options };
}

export async function readResolverFile(path = '/etc/resolv.conf'): Promise<DnsConfig> {
  return parseResolverFile(await readFile(path, 'utf8').catch(() => ''));
}
