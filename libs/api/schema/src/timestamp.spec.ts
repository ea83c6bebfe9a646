import fc from 'fast-check';
import { canonicalMicroTime, canonicalTime, formatTime, parseTimestamp } from './timestamp.js';

describe('times', () => {
  it.each([
    ['canonical already', '2024-02-29T23:59:59Z', '2024-02-29T23:59:59Z'],
    ['an offset', '2024-01-01T01:30:00+02:00', '2023-12-31T23:30:00Z'],
    ['a fraction', '2024-01-01T00:00:00.999Z', '2024-01-01T00:00:00Z'],
    ['the zero time', '0001-01-01T00:00:00Z', ''],
  ])('are normalised: %s', (_name, text, expected) => {
    expect(canonicalTime(text)).toBe(expected);
  });

  it.each([
    '2024-02-30T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '2024-01-01',
    '2024-01-01T24:00:00Z',
    '2024-01-01 00:00:00Z',
    '',
  ])('are refused: %s', (text) => {
    expect(canonicalTime(text)).toBeUndefined();
  });

  it('keep six decimals as MicroTime', () => {
    expect(canonicalMicroTime('2024-01-01T00:00:00.1234567Z')).toBe('2024-01-01T00:00:00.123456Z');
    expect(canonicalMicroTime('2024-01-01T00:00:00Z')).toBe('2024-01-01T00:00:00.000000Z');
  });

  it('agree with the calendar of JavaScript', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), (seconds) => {
        const text = formatTime({ seconds, nanos: 0 });
        expect(Date.parse(text)).toBe(seconds * 1000);
        expect(parseTimestamp(text)).toEqual({ seconds, nanos: 0 });
      }),
    );
  });
});
