/** The order of UTF-8 bytes for JavaScript strings, whose own order puts astral characters before U+E000. */

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;

export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left === right) continue;
    if (isSurrogate(left) !== isSurrogate(right) && Math.max(left, right) >= 0xe000) return isSurrogate(left) ? 1 : -1;
    return left - right;
  }
  return a.length - b.length;
}
