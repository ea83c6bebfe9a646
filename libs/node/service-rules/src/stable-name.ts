/** Short names in the kernel's tables that follow from what they stand for, so that any run finds what another made. */
import { createHash } from 'node:crypto';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

const nameLength = 16;

/** 16 letters and digits (80 bits) of a hash over `parts`. */
export function stableName(...parts: readonly (string | number)[]): string {
  const bytes = createHash('sha256').update(JSON.stringify(parts)).digest();
  let name = '';
  let pending = 0;
  let pendingBits = 0;
  for (const byte of bytes.subarray(0, (nameLength * 5) / 8)) {
    pending = (pending << 8) | byte;
    pendingBits += 8;
    while (pendingBits >= 5) {
      pendingBits -= 5;
      name += alphabet[(pending >> pendingBits) & 31] ?? '';
    }
    pending &= (1 << pendingBits) - 1;
  }
  return name;
}

/** A service's id as a comment in rules: nothing but letters that need no quoting, and not too long. */
export function commentText(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9./: _-]/g, '?').slice(0, 200);
}
