/** Short names for contents: FNV-1a, its digits written in letters and digits that spell no words. */
const SAFE_DIGITS = 'bcdfghjklmnpqrstvwxz2456789';

export function safeHash(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return [...String(hash)].map((digit) => SAFE_DIGITS[digit.charCodeAt(0) % SAFE_DIGITS.length]).join('');
}
