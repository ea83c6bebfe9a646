import fc from 'fast-check';
import { formatGoDuration, goDurationToMs, parseGoDuration } from './duration.js';

const read = (text: string): bigint | string => {
  const parsed = parseGoDuration(text);
  return parsed.ok ? parsed.value : parsed.error;
};

describe('Go durations', () => {
  it.each([
    ['0', 0n, '0s'],
    ['1h30m', 5_400_000_000_000n, '1h30m0s'],
    ['1.5s', 1_500_000_000n, '1.5s'],
    ['250ms', 250_000_000n, '250ms'],
    ['1us', 1_000n, '1µs'],
    ['-90s', -90_000_000_000n, '-1m30s'],
    ['.5m', 30_000_000_000n, '30s'],
    ['100h', 360_000_000_000_000n, '100h0m0s'],
  ])('reads %s', (text, nanos, written) => {
    expect(read(text)).toBe(nanos);
    expect(formatGoDuration(nanos)).toBe(written);
  });

  it.each([
    ['', 'time: invalid duration ""'],
    ['5', 'time: missing unit in duration "5"'],
    ['5x', 'time: unknown unit "x" in duration "5x"'],
    ['s', 'time: invalid duration "s"'],
    ['-', 'time: invalid duration "-"'],
    ['9999999999h', 'time: invalid duration "9999999999h"'],
  ])('refuses %s', (text, error) => {
    expect(read(text)).toBe(error);
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(1n << 62n), max: 1n << 62n }), (nanos) => {
        expect(read(formatGoDuration(nanos))).toBe(nanos);
      }),
    );
  });

  it('gives whole milliseconds to timers', () => {
    expect(goDurationToMs(1_999_999n)).toBe(1);
  });
});
