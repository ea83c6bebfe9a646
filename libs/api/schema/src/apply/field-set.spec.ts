import type { Json } from '@periplus/api/meta';
import fc from 'fast-check';
import {
  decodeFieldSet,
  encodeFieldSet,
  excludeFieldSet,
  fieldPaths,
  type FieldPath,
  type FieldSet,
  fieldSetOf,
  formatFieldPath,
  hasFieldPath,
  intersectFieldSets,
  isEmptyFieldSet,
  subtractFieldSets,
  unionFieldSets,
} from './field-set.js';

const element = fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}', 'v:1');
const path = fc.array(element, { minLength: 1, maxLength: 4 });
const paths = fc.array(path, { maxLength: 12 });
const keys = (set: FieldSet): string[] => fieldPaths(set).map((each) => each.join('/'));
const setOf = (list: FieldPath[]): FieldSet => fieldSetOf(...list);

describe('field sets', () => {
  it('are read back from what they are written as', () => {
    fc.assert(
      fc.property(paths, (list) => {
        const set = setOf(list);
        expect(keys(decodeFieldSet(encodeFieldSet(set))!)).toEqual(keys(set));
      }),
    );
  });

  it('obey the laws of sets, path by path', () => {
    fc.assert(
      fc.property(paths, paths, (left, right) => {
        const [a, b] = [setOf(left), setOf(right)];
        const [inA, inB] = [new Set(keys(a)), new Set(keys(b))];
        const sorted = (list: Iterable<string>): string[] => [...list].sort();
        expect(sorted(keys(unionFieldSets(a, b)))).toEqual(sorted(new Set([...inA, ...inB])));
        expect(sorted(keys(intersectFieldSets(a, b)))).toEqual(sorted([...inA].filter((key) => inB.has(key))));
        expect(sorted(keys(subtractFieldSets(a, b)))).toEqual(sorted([...inA].filter((key) => !inB.has(key))));
        expect(isEmptyFieldSet(subtractFieldSets(a, a))).toBe(true);
        for (const each of left) expect(hasFieldPath(a, each)).toBe(true);
      }),
    );
  });

  it('lose what is below an excluded field', () => {
    const set = fieldSetOf(['f:a'], ['f:a', 'f:b'], ['f:c']);
    expect(keys(excludeFieldSet(set, fieldSetOf(['f:a'])))).toEqual(['f:c']);
    expect(keys(subtractFieldSets(set, fieldSetOf(['f:a'])))).toEqual(['f:c', 'f:a/f:b']);
  });

  it('are written as FieldsV1', () => {
    const set = fieldSetOf(['f:m'], ['f:m', 'f:a'], ['f:l', 'k:{"name":"x"}', 'f:image']);
    expect(encodeFieldSet(set)).toEqual({
      'f:m': { '.': {}, 'f:a': {} },
      'f:l': { 'k:{"name":"x"}': { 'f:image': {} } },
    });
  });

  it('know an item by its keys however they are written', () => {
    const set = decodeFieldSet({ 'k:{"protocol":"TCP", "containerPort":80}': {} })!;
    expect(keys(set)).toEqual(['k:{"containerPort":80,"protocol":"TCP"}']);
  });

  it.each<[string, Json]>([
    ['a list', []],
    ['an element of no known form', { 'x:a': {} }],
    ['a value that is no set', { 'f:a': 1 }],
    ['a key that is no JSON', { 'k:{': {} }],
  ])('refuse %s', (_name, fields) => {
    expect(decodeFieldSet(fields)).toBeUndefined();
  });

  it('show paths as people read them', () => {
    const shown = formatFieldPath(['f:spec', 'f:ports', 'k:{"containerPort":80,"protocol":"TCP"}', 'f:name']);
    expect(shown).toBe('.spec.ports[containerPort=80,protocol="TCP"].name');
    expect(formatFieldPath(['f:metadata', 'f:finalizers', 'v:"x.io/a"'])).toBe('.metadata.finalizers[="x.io/a"]');
  });
});
