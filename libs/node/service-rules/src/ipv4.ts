/** IPv4 addresses and ranges as text; everything else is refused, since it would end up in rules. */

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const addressPattern = new RegExp(`^${octet}(?:\\.${octet}){3}$`);
const prefixPattern = /^(?:[0-9]|[12]\d|3[0-2])$/;

export function isIpv4(text: string): boolean {
  return text.length <= 15 && addressPattern.test(text);
}

/** An address that traffic can be sent to from another machine: not 0.0.0.0/8, loopback, link-local or multicast. */
export function isRoutableIpv4(text: string): boolean {
  return isIpv4(text) && !/^(?:0|127|22[4-9]|2[3-5]\d)\./.test(text) && !text.startsWith('169.254.');
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

interface Range {
  readonly first: number;
  readonly prefixLength: number;
}

function parseRange(text: string): Range | undefined {
  const [address = '', prefix = '', ...rest] = text.trim().split('/');
  if (!isIpv4(address) || !prefixPattern.test(prefix) || rest.length > 0) return undefined;
  const prefixLength = Number(prefix);
  const size = 2 ** (32 - prefixLength);
  return { first: Math.floor(toNumber(address) / size) * size, prefixLength };
}

/** The range in its one canonical form (`10.1.2.3/16` is `10.1.0.0/16`); undefined for what is no IPv4 range. */
export function canonicalRange(text: string): string | undefined {
  const range = parseRange(text);
  return range && `${toAddress(range.first)}/${range.prefixLength}`;
}

export function rangeContains(rangeText: string, address: string): boolean {
  const range = parseRange(rangeText);
  if (range === undefined || !isIpv4(address)) return false;
  const offset = toNumber(address) - range.first;
  return offset >= 0 && offset < 2 ** (32 - range.prefixLength);
}

/** A port that rules can name. */
export function isPort(port: number | undefined): port is number {
  return port !== undefined && Number.isInteger(port) && port >= 1 && port <= 65_535;
}
