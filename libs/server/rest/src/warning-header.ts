/** The `Warning` header, as clients of Kubernetes read it. Pure. */

/** Of all warnings together; clients limit what they take of headers. */
const totalLengthMax = 4096;
/** Of each, when together they are too long. */
const shortLengthMax = 256;

/** RFC 7234's warn-code 299, one after another; what is too much is cut or left out. */
export function formatWarnings(texts: readonly string[]): string {
  const total = texts.reduce((sum, text) => sum + text.length, 0);
  const lengthMax = total > totalLengthMax ? shortLengthMax : totalLengthMax;
  const values: string[] = [];
  let length = 0;
  for (const text of texts) {
    const value = formatWarning(text.slice(0, lengthMax));
    length += value.length;
    if (length > totalLengthMax && values.length > 0) break;
    values.push(value);
  }
  return values.join(', ');
}

/** A quoted string has one escape, the backslash: whatever would need another is replaced. */
function formatWarning(text: string): string {
  const clean = text.replace(/[\0-\x1f\x7f]/g, ' ').replace(/[^\x20-\x7e]/gu, '?');
  return `299 - "${clean.replace(/["\\]/g, '\\$&')}"`;
}
