/** Numbers that may be a share: `maxSurge`, `maxUnavailable`. */

/** `2`, or a percentage of so many. */
export function scaled(value: number | string | undefined, of: number, round: (value: number) => number): number {
  if (value === undefined) return 0;
  if (typeof value === 'number') return value;
  const percent = /^([0-9]{1,6})%$/.exec(value);
  return percent === null ? 0 : round((Number(percent[1]) * of) / 100);
}
