/** An IPv4 range in CIDR form, and numbers instead of addresses. */

export interface IpRange {
  readonly cidr: string;
  /** The network's own address; never given out. */
  readonly first: number;
  /** Addresses in the range, network and broadcast included. */
  readonly size: number;
}

const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** Undefined for what is no IPv4 address in canonical form. */
export function parseIpv4(text: string): number | undefined {
  const match = octets.exec(text);
  if (match === null) return undefined;
  let value = 0;
  for (const part of match.slice(1)) {
    if (Number(part) > 255 || (part.length > 1 && part.startsWith('0'))) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** Throws RangeError for anything but an IPv4 CIDR of /8 to /30. */
export function parseIpRange(cidr: string): IpRange {
  const [address = '', bits = ''] = cidr.split('/');
  const value = parseIpv4(address);
  const prefix = Number(bits);
  if (value === undefined || !/^\d+$/.test(bits) || prefix < 8 || prefix > 30)
    throw new RangeError(`${JSON.stringify(cidr)} is no IPv4 range from /8 to /30`);
  const size = 2 ** (32 - prefix);
  return { cidr, first: Math.floor(value / size) * size, size };
}

/** Neither the network's own nor the broadcast address. */
export function isUsable(range: IpRange, address: number): boolean {
  return address > range.first && address < range.first + range.size - 1;
}

/** The address `offset` places into the range. */
export function addressAt(range: IpRange, offset: number): string {
  return formatIpv4(range.first + offset);
}

/** Whether a Service may have the address. */
export function containsAddress(range: IpRange, text: string): boolean {
  const address = parseIpv4(text);
  return address !== undefined && isUsable(range, address);
}
