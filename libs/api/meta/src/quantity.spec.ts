import fc from 'fast-check';
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  quantityFromMilli,
  quantityToMilli,
  quantityToUnits,
  subtractQuantities,
  toQuantity,
} from './quantity.js';

const canonical = (text: string): string => {
  const parsed = canonicalQuantity(text);
  return parsed.ok ? parsed.value : `! ${parsed.error}`;
};

describe('canonicalQuantity', () => {
  it.each([
    ['a whole number stays', '3', '3'],
    ['thousandths that make a whole', '1000m', '1'],
    ['a fraction becomes thousandths', '0.5', '500m'],
    ['a fraction without leading digit', '.5', '500m'],
    ['a point without fraction', '5.', '5'],
    ['more than a thousand thousandths', '1500m', '1500m'],
    ['a round thousand takes a suffix', '1000', '1k'],
    ['not quite round', '1100', '1100'],
    ['binary fraction goes a power down', '1.5Gi', '1536Mi'],
    ['binary that is round goes up', '1024Mi', '1Gi'],
    ['binary below 1024 is written decimal', '0.5Ki', '512'],
    ['binary that is no whole number', '1.0001Ki', '1024102400u'],
    ['scientific stays scientific', '12e6', '12e6'],
    ['scientific by thousands', '1e4', '10e3'],
    ['scientific zero exponent', '5e0', '5'],
    ['scientific negative', '5e-1', '500e-3'],
    ['zero of any suffix', '0Mi', '0'],
    ['minus zero', '-0', '0'],
    ['negative', '-1500m', '-1500m'],
    ['plus sign', '+5', '5'],
    ['finer than nano rounds away from zero', '1.1n', '2n'],
    ['tiny', '1e-30', '1e-9'],
    ['beyond 63 bits', '9223372036854775808', '9223372036854775808'],
    ['many exbibytes are cut', '16Ei', '9223372036854775807'],
    ['leading zeros', '007', '7'],
    ['no digits are zero', 'Mi', '0'],
  ])('%s: %s', (_name, text, expected) => {
    expect(canonical(text)).toBe(expected);
  });

  it.each([
    ['empty', '', /must match the regular expression/],
    ['an unknown suffix', '1K', /unable to parse quantity's suffix/],
    ['an enormous exponent', '1e1000000', /unable to parse quantity's suffix/],
    ['an enormous text', '1'.repeat(300), /must match the regular expression/],
    ['letters of no suffix', '1Kb', /must match the regular expression/],
    ['a space', '1 Mi', /must match the regular expression/],
    ['two points', '1.2.3', /must match the regular expression/],
    ['a property of objects', '1toString', /must match the regular expression/],
  ])('refuses %s', (_name, text, error) => {
    const parsed = parseQuantity(text);
    expect(parsed.ok).toBe(false);
    expect(parsed.ok ? '' : parsed.error).toMatch(error);
  });

  it('is idempotent and keeps the value', () => {
    const suffix = fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'T', 'Ki', 'Mi', 'Gi', 'Ti', 'e3', 'E-3');
    const text = fc
      .tuple(fc.integer({ min: -100_000, max: 100_000 }), fc.integer({ min: 0, max: 999 }), suffix)
      .map(([whole, fraction, end]) => `${whole}.${fraction}${end}`);
    fc.assert(
      fc.property(text, (each) => {
        const once = canonical(each);
        expect(canonical(once)).toBe(once);
        expect(compareQuantities(toQuantity(once), toQuantity(each))).toBe(0);
      }),
    );
  });
});

describe('arithmetic', () => {
  it('adds and subtracts across suffixes exactly', () => {
    expect(formatQuantity(addQuantities(toQuantity('1'), toQuantity('250m')))).toBe('1250m');
    expect(formatQuantity(addQuantities(toQuantity('0'), toQuantity('1Gi')))).toBe('1Gi');
    expect(formatQuantity(subtractQuantities(toQuantity('1Gi'), toQuantity('512Mi')))).toBe('512Mi');
  });
  it('rounds up to thousandths and units', () => {
    expect(quantityToMilli(toQuantity('100u'))).toBe(1n);
    expect(quantityToUnits(toQuantity('1500m'))).toBe(2n);
    expect(quantityToUnits(toQuantity('1Gi'))).toBe(1_073_741_824n);
    expect(formatQuantity(quantityFromMilli(2500n))).toBe('2500m');
  });
});
