/** Durations as Go writes and reads them (`1h30m0s`, `250ms`), in nanoseconds. */
import type { Parsed } from './parsed.js';

/** Nanoseconds a unit. Both signs for micro are read, `µ` is written. */
const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const int64Max = (1n << 63n) - 1n;

/** Nanoseconds. Errors are in Go's words. */
export function parseGoDuration(text: string): Parsed<bigint> {
  const wrong = (what: string): Parsed<bigint> => ({
    ok: false,
    error: `time: ${what} duration ${JSON.stringify(text)}`,
  });
  if (text.length > 256) return wrong('invalid');
  const negative = text.startsWith('-');
  let rest = /^[+-]/.test(text) ? text.slice(1) : text;
  if (rest === '0') return { ok: true, value: 0n };
  if (rest === '') return wrong('invalid');
  let total = 0n;
  while (rest !== '') {
    const part = /^([0-9]*)(?:\.([0-9]*))?([^0-9.]*)/.exec(rest)!;
    const [whole, digits = '', fraction = '', unit = ''] = part;
    if (digits === '' && fraction === '') return wrong('invalid');
    if (unit === '') return wrong('missing unit in');
    const perUnit = Object.hasOwn(units, unit) ? units[unit] : undefined;
    if (perUnit === undefined) {
      return { ok: false, error: `time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}` };
    }
    total += BigInt(digits === '' ? '0' : digits) * perUnit;
    if (fraction !== '') total += (BigInt(fraction) * perUnit) / 10n ** BigInt(fraction.length);
    if (total > int64Max) return wrong('invalid');
    rest = rest.slice(whole.length);
  }
  return { ok: true, value: negative ? -total : total };
}

/** A fraction of `per` without trailing zeros. */
function decimal(nanos: bigint, per: bigint): string {
  const whole = nanos / per;
  const places = String(per).length - 1;
  const fraction = String(nanos % per)
    .padStart(places, '0')
    .replace(/0+$/, '');
  return fraction === '' ? `${whole}` : `${whole}.${fraction}`;
}

export function formatGoDuration(nanos: bigint): string {
  if (nanos === 0n) return '0s';
  const sign = nanos < 0n ? '-' : '';
  const size = nanos < 0n ? -nanos : nanos;
  if (size < 1_000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${decimal(size, 1_000n)}µs`;
  if (size < 1_000_000_000n) return `${sign}${decimal(size, 1_000_000n)}ms`;
  const minutes = size / 60_000_000_000n;
  const seconds = `${decimal(size % 60_000_000_000n, 1_000_000_000n)}s`;
  if (minutes === 0n) return sign + seconds;
  if (minutes < 60n) return `${sign}${minutes}m${seconds}`;
  return `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

/** Whole milliseconds, for timers; a fraction is dropped. */
export function goDurationToMs(nanos: bigint): number {
  return Number(nanos / 1_000_000n);
}
