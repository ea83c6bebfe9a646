import { LosslessInteger } from '@periplus/api/meta';
import fc from 'fast-check';
import { cloneJson, equalJson } from './json-values.js';

describe('JSON values', () => {
  it('are cloned deeply and equal their clones', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const copy = cloneJson(value);
        expect(equalJson(copy, value)).toBe(true);
        if (typeof value === 'object' && value !== null) expect(copy).not.toBe(value);
      }),
    );
  });

  it('keep keys like __proto__ and maps without prototype', () => {
    const value = JSON.parse('{"__proto__":{"x":1}}');
    expect(JSON.stringify(cloneJson(value))).toBe('{"__proto__":{"x":1}}');
    expect(Object.getPrototypeOf(cloneJson(Object.create(null)))).toBeNull();
  });

  it.each<[string, unknown, unknown, boolean]>([
    ['other order of keys', { a: 1, b: 2 }, { b: 2, a: 1 }, true],
    ['undefined and absent', { a: undefined }, {}, true],
    ['null and absent', { a: null }, {}, false],
    ['a key more', {}, { a: 1 }, false],
    ['an inherited name', { constructor: 1 }, {}, false],
    ['other order of items', [1, 2], [2, 1], false],
    ['a list and an object', [], {}, false],
    ['equal long integers', new LosslessInteger('9'.repeat(18)), new LosslessInteger('9'.repeat(18)), true],
    ['a string and a number', '1', 1, false],
  ])('compare %s', (_name, a, b, expected) => {
    expect(equalJson(a, b)).toBe(expected);
    expect(equalJson(b, a)).toBe(expected);
  });
});
