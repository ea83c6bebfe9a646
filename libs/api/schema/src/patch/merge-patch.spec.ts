import type { Json } from '@periplus/api/meta';
import { applyMergePatch } from './merge-patch.js';

describe('applyMergePatch', () => {
  it.each<[string, unknown, unknown, unknown]>([
    ['merges objects', { a: { b: 1 } }, { a: { c: 2 } }, { a: { b: 1, c: 2 } }],
    ['deletes by null', { a: 1, b: 2 }, { a: null }, { b: 2 }],
    ['replaces lists', { a: [1, 2] }, { a: [3] }, { a: [3] }],
    ['replaces scalars by objects, without nulls', { a: 1 }, { a: { b: null, c: 1 } }, { a: { c: 1 } }],
    ['keeps nulls in lists', {}, { a: [null] }, { a: [null] }],
  ])('%s', (_name, original, patch, expected) => {
    const before = JSON.stringify(original);
    expect(applyMergePatch(original as Json, patch as Json)).toEqual(expected);
    expect(JSON.stringify(original)).toBe(before);
  });

  it('refuses what is no object', () => {
    expect(() => applyMergePatch({}, [])).toThrow('Invalid JSON Patch');
  });

  it('makes own keys of names that objects inherit', () => {
    const patch = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"x":1}}') as Json;
    expect(JSON.stringify(applyMergePatch({}, patch))).toBe('{"__proto__":{"polluted":true},"constructor":{"x":1}}');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
