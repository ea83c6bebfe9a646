/** Short names in the kernel's tables that follow from what they stand for, so that any run finds what another made. */
import { createHash } from 'node:crypto';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** 16 letters and digits (80 bits) of a hash over `parts`. */
export function stableName(...parts: readonly (string | number)[]): string {
  const bytes = createHash('sha256').update(JSON.stringify(parts)).digest();
  let bits = 0n;
  for (const byte of bytes.subarray(0, 10)) bits = (bits << 8n) | BigInt(byte);
  let name = '';
  for (let shift = 75n; shift >= 0n; shift -= 5n) name += alphabet[Number((bits >> shift) & 31n)] ?? '';
  return name;
}

/** A service's id as a comment in rules: nothing but letters that need no quoting, and not too long. */
export function commentText(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9./: _-]/g, '?').slice(0, 200);
}
