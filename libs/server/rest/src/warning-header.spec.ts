import { formatWarnings } from './warning-header.js';

describe('the Warning header', () => {
  it.each([
    ['one', ['unknown field "a"'], '299 - "unknown field \\"a\\""'],
    ['several', ['a', 'b'], '299 - "a", 299 - "b"'],
    ['line breaks and other control characters', ['a\r\nx: y\u0001'], '299 - "a  x: y "'],
    ['what is not ASCII', ['é😀'], '299 - "??"'],
    ['a backslash', ['a\\'], '299 - "a\\\\"'],
  ])('is written for %s', (_name, texts, expected) => {
    expect(formatWarnings(texts)).toBe(expected);
  });

  it('stays short however much there is to say', () => {
    const header = formatWarnings(Array.from({ length: 1_000 }, (_, index) => `${index} ${'x'.repeat(1_000)}`));
    expect(header.length).toBeLessThan(5_000);
    expect(header).toMatch(/^299 - "0 x{254}", 299 - "1 x{254}"/);
  });
});
