import { isStatusError, type Json } from '@periplus/api/meta';
import { applyJsonPatch } from './json-patch.js';

const document = { a: { b: [1, 2, 3] }, 'x/y': { '~': 1 }, n: 5 } as unknown as Json;

function outcome(patch: unknown, on: Json = document): unknown {
  try {
    return applyJsonPatch(on, patch as Json);
  } catch (error) {
    if (!isStatusError(error)) throw error;
    return [error.httpCode, error.status.details?.causes?.[0]?.message ?? error.message];
  }
}

describe('applyJsonPatch', () => {
  it.each<[string, unknown, unknown]>([
    ['adds a key', [{ op: 'add', path: '/c', value: {} }], { ...(document as object), c: {} }],
    [
      'inserts into a list',
      [{ op: 'add', path: '/a/b/1', value: 9 }],
      { ...(document as object), a: { b: [1, 9, 2, 3] } },
    ],
    [
      'appends to a list',
      [{ op: 'add', path: '/a/b/-', value: 9 }],
      { ...(document as object), a: { b: [1, 2, 3, 9] } },
    ],
    ['removes', [{ op: 'remove', path: '/a/b/0' }], { ...(document as object), a: { b: [2, 3] } }],
    [
      'unescapes paths',
      [{ op: 'replace', path: '/x~1y/~0', value: 2 }],
      { ...(document as object), 'x/y': { '~': 2 } },
    ],
    ['moves', [{ op: 'move', from: '/n', path: '/m' }], { a: { b: [1, 2, 3] }, 'x/y': { '~': 1 }, m: 5 }],
    ['copies', [{ op: 'copy', from: '/n', path: '/m' }], { ...(document as object), m: 5 }],
    ['tests', [{ op: 'test', path: '/a', value: { b: [1, 2, 3] } }], document],
    ['tests for absence', [{ op: 'test', path: '/q', value: null }], document],
    ['replaces all', [{ op: 'replace', path: '', value: { z: 1 } }], { z: 1 }],
  ])('%s', (_name, patch, expected) => {
    expect(outcome(patch)).toEqual(expected);
  });

  it.each<[string, unknown, unknown]>([
    ['no list', {}, [400, 'json: cannot unmarshal object into Go value of type jsonpatch.Patch']],
    ['an operation without path', [{ op: 'add' }], [400, 'patch operation lacks "op" or "path"']],
    ['an unknown operation', [{ op: 'grow', path: '/a' }], [422, 'unexpected kind: grow']],
    ['a failed test', [{ op: 'test', path: '/n', value: 6 }], [422, 'testing value /n failed']],
    ['a missing parent', [{ op: 'add', path: '/q/r', value: 1 }], [422, 'doc is missing path: /q/r']],
    ['a missing key', [{ op: 'remove', path: '/q' }], [422, 'unable to remove nonexistent key: /q']],
    [
      'a value in no list',
      [{ op: 'add', path: '/a/b/x', value: 1 }],
      [422, 'index out of range or invalid: /a/b/x (3 items)'],
    ],
    [
      'an index beyond',
      [{ op: 'add', path: '/a/b/4', value: 1 }],
      [422, 'index out of range or invalid: /a/b/4 (3 items)'],
    ],
    ['a move into itself', [{ op: 'move', from: '/a', path: '/a/b' }], [422, 'unable to move /a into itself']],
    ['a pointer without slash', [{ op: 'add', path: 'a', value: 1 }], [422, 'invalid path "a"']],
  ])('refuses %s', (_name, patch, expected) => {
    expect(outcome(patch)).toEqual(expected);
  });

  it('does all or nothing and never changes the original', () => {
    const before = JSON.stringify(document);
    outcome([
      { op: 'remove', path: '/a' },
      { op: 'test', path: '/n', value: 6 },
    ]);
    outcome([{ op: 'remove', path: '/a/b' }]);
    expect(JSON.stringify(document)).toBe(before);
  });

  it('is bounded in operations and growth', () => {
    expect(outcome(Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/n', value: 5 })))).toEqual([
      413,
      expect.any(String),
    ]);
    const doubling = Array.from({ length: 60 }, () => ({ op: 'copy', from: '/a', path: '/a/b/-' }));
    expect(outcome(doubling)).toEqual([413, expect.any(String)]);
    const nesting = Array.from({ length: 600 }, () => [
      { op: 'add', path: '/h', value: {} },
      { op: 'move', from: '/a', path: '/h/a' },
      { op: 'move', from: '/h', path: '/a' },
    ]).flat();
    expect(outcome(nesting)).toEqual([422, 'exceeded max depth']);
  });

  it('cannot reach prototypes', () => {
    const patch = JSON.parse('[{"op":"add","path":"/__proto__/polluted","value":true}]') as Json;
    expect(outcome(patch)).toEqual([422, 'doc is missing path: /__proto__/polluted']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(outcome([{ op: 'test', path: '/constructor', value: null }])).toEqual(document);
  });
});
