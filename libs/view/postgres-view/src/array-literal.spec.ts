import { arrayLiteral } from './array-literal.js';

describe('array literals', () => {
  it.each([
    ['nothing', [], '{}'],
    ['numbers, booleans and null', [1, true, null], '{1,true,NULL}'],
    ['words that mean something', ['NULL', '', 'a,b', '{}'], '{"NULL","","a,b","{}"}'],
    ['quotes and backslashes', ['a"b', 'c\\d'], '{"a\\"b","c\\\\d"}'],
    ['bytes', [Uint8Array.of(0, 255)], '{"\\\\x00ff"}'],
  ])('of %s', (_name, values, literal) => {
    expect(arrayLiteral(values)).toBe(literal);
  });
});
