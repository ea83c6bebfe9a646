import { LosslessInteger } from '@periplus/api/meta';
import { isSameObject } from './same-object.js';

describe('two objects', () => {
  it.each<[string, object, object]>([
    ['in another order', { a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }],
    ['at other revisions', { metadata: { name: 'x', resourceVersion: '1' } }, { metadata: { name: 'x' } }],
    ['with what is undefined', { a: undefined, b: [1] }, { b: [1] }],
    [
      'with large integers',
      { a: new LosslessInteger('9007199254740993') },
      { a: new LosslessInteger('9007199254740993') },
    ],
    [
      'with names of every kind',
      JSON.parse('{"__proto__":{"a":1}}') as object,
      JSON.parse('{"__proto__":{"a":1}}') as object,
    ],
  ])('are the same %s', (_name, a, b) => {
    expect([isSameObject(a, b), isSameObject(b, a)]).toEqual([true, true]);
  });

  it.each<[string, object, object]>([
    ['a value', { a: 1 }, { a: 2 }],
    ['a type', { a: 1 }, { a: '1' }],
    ['a member too many', { a: 1 }, { a: 1, b: 1 }],
    ['the order of a list', { a: [1, 2] }, { a: [2, 1] }],
    ['the length of a list', { a: [1] }, { a: [1, 2] }],
    ['null', { a: null }, { a: {} }],
    ['a list for an object', { a: [] }, { a: {} }],
    ['a resourceVersion deeper down', { spec: { resourceVersion: '1' } }, { spec: { resourceVersion: '2' } }],
    ['metadata', { metadata: { name: 'x' } }, { metadata: { name: 'y' } }],
    ['what is inherited', { toString: 1 }, {}],
  ])('differ by %s', (_name, a, b) => {
    expect([isSameObject(a, b), isSameObject(b, a)]).toEqual([false, false]);
  });
});
