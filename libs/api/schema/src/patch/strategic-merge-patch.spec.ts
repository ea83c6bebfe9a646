import { builtinSchema, findKind } from '@periplus/api/kinds';
import { isStatusError, type Json } from '@periplus/api/meta';
import { applyStrategicMergePatch } from './strategic-merge-patch.js';

const pod = findKind(builtinSchema, '', 'v1', 'Pod')!;

const patched = (original: unknown, patch: unknown): unknown =>
  applyStrategicMergePatch(builtinSchema, pod, original as Json, patch as Json);

const containers = (...list: object[]): object => ({ spec: { containers: list } });
const names = (result: unknown): string[] =>
  (result as { spec: { containers: { name: string }[] } }).spec.containers.map(({ name }) => name);

describe('applyStrategicMergePatch', () => {
  it.each<[string, unknown, unknown, unknown]>([
    [
      'merges items by key',
      containers({ name: 'a', image: 'x' }, { name: 'b', image: 'y' }),
      containers({ name: 'b', image: 'z' }),
      containers({ name: 'a', image: 'x' }, { name: 'b', image: 'z' }),
    ],
    [
      'puts new items first, in the order of the patch',
      containers({ name: 'a' }),
      containers({ name: 'c' }, { name: 'd' }),
      containers({ name: 'c' }, { name: 'd' }, { name: 'a' }),
    ],
    [
      'deletes an item by directive',
      containers({ name: 'a' }, { name: 'b' }),
      containers({ name: 'a', $patch: 'delete' }),
      containers({ name: 'b' }),
    ],
    [
      'replaces a list by directive',
      containers({ name: 'a' }, { name: 'b' }),
      containers({ name: 'c' }, { $patch: 'replace' }),
      containers({ name: 'c' }),
    ],
    [
      'replaces a map by directive',
      { metadata: { labels: { a: '1', b: '2' } } },
      { metadata: { labels: { $patch: 'replace', c: '3' } } },
      { metadata: { labels: { c: '3' } } },
    ],
    [
      'empties a map by directive',
      { metadata: { labels: { a: '1' } } },
      { metadata: { labels: { $patch: 'delete' } } },
      { metadata: { labels: {} } },
    ],
    [
      'merges maps and deletes by null',
      { metadata: { labels: { a: '1', b: '2' } } },
      { metadata: { labels: { a: null, c: '3' } } },
      { metadata: { labels: { b: '2', c: '3' } } },
    ],
    [
      'replaces lists without a merge key',
      containers({ name: 'a', command: ['x', 'y'] }),
      containers({ name: 'a', command: ['z'] }),
      containers({ name: 'a', command: ['z'] }),
    ],
    [
      'adds to a merge list of strings without repeating',
      { metadata: { finalizers: ['x.io/a', 'x.io/b'] } },
      { metadata: { finalizers: ['x.io/b', 'x.io/c'] } },
      { metadata: { finalizers: ['x.io/a', 'x.io/b', 'x.io/c'] } },
    ],
    [
      'deletes from a list of strings',
      { metadata: { finalizers: ['x.io/a', 'x.io/b'] } },
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['x.io/a'] } },
      { metadata: { finalizers: ['x.io/b'] } },
    ],
    [
      'keeps only the keys to retain',
      { spec: { volumes: [{ name: 'v', emptyDir: {} }] } },
      { spec: { volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/x' } }] } },
      { spec: { volumes: [{ name: 'v', hostPath: { path: '/x' } }] } },
    ],
    [
      'drops directives and nulls of what is new',
      {},
      {
        spec: {
          volumes: [{ name: 'v', $retainKeys: ['name'], emptyDir: null }],
          '$setElementOrder/volumes': [{ name: 'v' }],
        },
      },
      { spec: { volumes: [{ name: 'v' }] } },
    ],
    [
      'is indifferent to an order of nothing',
      { spec: {} },
      { spec: { '$setElementOrder/containers': [{ name: 'a' }] } },
      { spec: {} },
    ],
  ])('%s', (_name, original, patch, expected) => {
    const before = JSON.stringify(original);
    expect(patched(original, patch)).toEqual(expected);
    expect(JSON.stringify(original)).toBe(before);
  });

  it.each<[string, string[], string[], string[], string[]]>([
    ['reorders what is there', ['a', 'b'], ['b', 'a'], [], ['b', 'a']],
    ['keeps what only the server has in its place', ['a', 'x', 'b'], ['b', 'a'], [], ['x', 'b', 'a']],
    ['places new items', ['a', 'x'], ['n', 'a'], ['n'], ['n', 'a', 'x']],
  ])('$setElementOrder %s', (_name, live, order, added, expected) => {
    const patch = {
      spec: {
        '$setElementOrder/containers': order.map((name) => ({ name })),
        ...(added.length > 0 ? { containers: added.map((name) => ({ name, image: 'i' })) } : {}),
      },
    };
    expect(names(patched(containers(...live.map((name) => ({ name }))), patch))).toEqual(expected);
  });

  it.each<[string, unknown, number]>([
    ['no object', [], 400],
    ['an item without its key', containers({ image: 'x' }), 422],
    ['an unknown directive', { spec: { $patch: 'grow' } }, 422],
    ['keys that are set but not retained', { spec: { $retainKeys: ['a'], hostname: 'x' } }, 400],
    [
      'a list out of the order it asks for',
      {
        spec: {
          containers: [{ name: 'a' }, { name: 'b' }],
          '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }],
        },
      },
      400,
    ],
  ])('refuses %s', (_name, patch, code) => {
    let refused: unknown;
    try {
      patched({ spec: { containers: [{ name: 'c' }] } }, patch);
    } catch (error) {
      refused = error;
    }
    expect(isStatusError(refused) && refused.httpCode).toBe(code);
  });

  it('takes no notice of prototypes', () => {
    const patch = JSON.parse('{"metadata":{"labels":{"__proto__":"x"}}}') as Json;
    expect(JSON.stringify(patched({ metadata: { labels: {} } }, patch))).toBe(
      '{"metadata":{"labels":{"__proto__":"x"}}}',
    );
  });
});
