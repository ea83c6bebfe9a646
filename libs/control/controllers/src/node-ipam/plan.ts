/** Gives each node a range of the cluster's pod addresses: the lowest that is free. */
export interface Ipv4Range {
  readonly base: number;
  readonly prefix: number;
}

/** Undefined for what is no IPv4 range in CIDR form. */
export function parseIpv4Range(text: string): Ipv4Range | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (match === null) return undefined;
  const numbers = match.slice(1).map(Number);
  const [a = 0, b = 0, c = 0, d = 0, prefix = 0] = numbers;
  if ([a, b, c, d].some((part) => part > 255) || prefix > 32) return undefined;
  const address = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  const mask = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
  return { base: (address & mask) >>> 0, prefix };
}

export function formatIpv4Range({ base, prefix }: Ipv4Range): string {
  return `${base >>> 24}.${(base >>> 16) & 255}.${(base >>> 8) & 255}.${base & 255}/${prefix}`;
}

function overlap(a: Ipv4Range, b: Ipv4Range): boolean {
  const prefix = Math.min(a.prefix, b.prefix);
  const shift = 32 - prefix;
  return shift === 32 || a.base >>> shift === b.base >>> shift;
}

/** The lowest range of `nodePrefix` in the cluster's that overlaps none in use; undefined when all are taken. */
export function nextFreeRange(
  cluster: Ipv4Range,
  nodePrefix: number,
  used: Iterable<Ipv4Range>,
): Ipv4Range | undefined {
  const size = 2 ** (32 - nodePrefix);
  const count = 2 ** (nodePrefix - cluster.prefix);
  const taken = new Set<number>();
  for (const range of used) {
    if (!overlap(cluster, range)) continue;
    const first = Math.max(0, Math.floor((range.base - cluster.base) / size));
    const covered = Math.max(1, 2 ** (nodePrefix - range.prefix));
    for (let index = first; index < first + covered && index < count; index++) taken.add(index);
  }
  for (let index = 0; index < count; index++)
    if (!taken.has(index)) return { base: (cluster.base + index * size) >>> 0, prefix: nodePrefix };
  return undefined;
}
