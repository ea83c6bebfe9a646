/** Columns of values as Postgres' array literals: one parameter each, whatever the number of rows. */

const quote = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;

/** To be cast to an array type in the statement: `${arrayLiteral(names)}::text[]`. Text may not hold NUL. */
export function arrayLiteral(values: readonly (string | number | boolean | Uint8Array | null)[]): string {
  const items = values.map((value) => {
    if (value === null) return 'NULL';
    if (typeof value === 'string') return quote(value);
    if (typeof value === 'object') return quote(`\\x${Buffer.from(value).toString('hex')}`);
    return String(value);
  });
  return `{${items.join(',')}}`;
}
