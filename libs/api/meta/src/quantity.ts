/** Resource quantities (`100m`, `1.5Gi`, `1e3`): exact arithmetic in units of 10⁻⁹ and the canonical form that is stored. */
import type { Parsed } from './parsed.js';

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** An exact number of billionths, with the family of suffixes it is written in. */
export interface Quantity {
  readonly nanos: bigint;
  readonly format: QuantityFormat;
}

const nanosPerUnit = 1_000_000_000n;
/** Larger values with a binary suffix are cut to this, as upstream does. */
const binaryCap = ((1n << 63n) - 1n) * nanosPerUnit;

const formatError = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const suffixError = "unable to parse quantity's suffix";

const binaryShift: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const decimalExponent: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const decimalSuffix = new Map(Object.entries(decimalExponent).map(([suffix, exponent]) => [exponent, suffix]));
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

interface Suffix {
  readonly format: QuantityFormat;
  readonly base: 2 | 10;
  readonly exponent: number;
}

function parseSuffix(text: string): Suffix | undefined {
  if (Object.hasOwn(decimalExponent, text)) return { format: 'DecimalSI', base: 10, exponent: decimalExponent[text]! };
  if (Object.hasOwn(binaryShift, text)) return { format: 'BinarySI', base: 2, exponent: binaryShift[text]! };
  const scientific = /^[eE]([+-]?[0-9]{1,10})$/.exec(text);
  return scientific ? { format: 'DecimalExponent', base: 10, exponent: Number(scientific[1]) } : undefined;
}

/** Division that rounds away from zero, so that something asked for is never rounded to nothing. */
function divideUp(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  if (value % divisor === 0n) return quotient;
  return value < 0n ? quotient - 1n : quotient + 1n;
}

/** Exponents beyond these are no amount of anything: the work that a text makes is bounded. */
const exponentMax = 100;
const textLengthMax = 256;

function magnitude(whole: string, fraction: string, suffix: Suffix): bigint {
  const digits = BigInt(`0${whole}${fraction}`);
  if (suffix.base === 2) {
    const nanos = divideUp(digits * (1n << BigInt(suffix.exponent)) * nanosPerUnit, 10n ** BigInt(fraction.length));
    return nanos > binaryCap ? binaryCap : nanos;
  }
  const scale = suffix.exponent - fraction.length + 9;
  return scale >= 0 ? digits * 10n ** BigInt(scale) : divideUp(digits, 10n ** BigInt(-scale));
}

/** Errors are in upstream's words. */
export function parseQuantity(text: string): Parsed<Quantity> {
  const match = /^([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/.exec(text);
  if (match === null || text === '' || text.length > textLengthMax) return { ok: false, error: formatError };
  const [, sign, whole = '', fraction = '', suffixText = ''] = match;
  const suffix = parseSuffix(suffixText);
  if (suffix === undefined || Math.abs(suffix.exponent) > exponentMax) return { ok: false, error: suffixError };
  const size = magnitude(whole, fraction, suffix);
  return { ok: true, value: { nanos: sign === '-' ? -size : size, format: suffix.format } };
}

function formatBinary(units: bigint): string {
  let mantissa = units;
  let power = 0;
  while (power < binarySuffixes.length - 1 && mantissa % 1024n === 0n) {
    mantissa /= 1024n;
    power += 1;
  }
  return `${mantissa}${binarySuffixes[power]}`;
}

/** The one form in which a value is stored: no fraction, the largest suffix that leaves none, `0` for zero. */
export function formatQuantity(quantity: Quantity): string {
  const { nanos } = quantity;
  if (nanos === 0n) return '0';
  const whole = nanos % nanosPerUnit === 0n;
  if (quantity.format === 'BinarySI' && whole) {
    const units = nanos / nanosPerUnit;
    if (units <= -1024n || units >= 1024n) return formatBinary(units);
  }
  const exponential = quantity.format === 'DecimalExponent';
  let mantissa = nanos;
  let exponent = -9;
  while (mantissa % 1000n === 0n && (exponential || exponent < 18)) {
    mantissa /= 1000n;
    exponent += 3;
  }
  if (exponential) return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`;
  return `${mantissa}${decimalSuffix.get(exponent)}`;
}

const alreadyCanonical = /^(?:0|[1-9][0-9]{0,2}(?:[mkMGTPE]|[KMGTP]i)?)$/;
const canonicalForms = new Map<string, string>();
const canonicalFormsMax = 4096;

/** The canonical form of a quantity's text. Answers for common texts are remembered. */
export function canonicalQuantity(text: string): Parsed<string> {
  if (alreadyCanonical.test(text)) return { ok: true, value: text };
  const known = canonicalForms.get(text);
  if (known !== undefined) return { ok: true, value: known };
  const parsed = parseQuantity(text);
  if (!parsed.ok) return parsed;
  const value = formatQuantity(parsed.value);
  if (text.length <= 32) {
    if (canonicalForms.size >= canonicalFormsMax) canonicalForms.clear();
    canonicalForms.set(text, value);
  }
  return { ok: true, value };
}

/** For quantities that were decoded already. Throws RangeError on text that is none. */
export function toQuantity(text: string): Quantity {
  const parsed = parseQuantity(text);
  if (!parsed.ok) throw new RangeError(`${JSON.stringify(text)}: ${parsed.error}`);
  return parsed.value;
}

/** The sum is written like the first term, unless that is zero. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return { nanos: a.nanos + b.nanos, format: a.nanos === 0n ? b.format : a.format };
}

export function subtractQuantities(a: Quantity, b: Quantity): Quantity {
  return { nanos: a.nanos - b.nanos, format: a.nanos === 0n ? b.format : a.format };
}

/** Negative, zero or positive as `a` is below, equal to or above `b`. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
}

/** Thousandths, rounded away from zero: a CPU's millicores. */
export function quantityToMilli(quantity: Quantity): bigint {
  return divideUp(quantity.nanos, 1_000_000n);
}

/** Whole units, rounded away from zero: bytes of memory, numbers of pods. */
export function quantityToUnits(quantity: Quantity): bigint {
  return divideUp(quantity.nanos, nanosPerUnit);
}

export function quantityFromMilli(milli: bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
  return { nanos: milli * 1_000_000n, format };
}
