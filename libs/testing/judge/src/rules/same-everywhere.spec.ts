import type { Evidence } from '../evidence.js';
import { entry, evidenceOf, get, historyOf, keyOf, list, objectOf, seen } from '../made-history.js';
import { formatViolation } from '../violation.js';
import { checkAnswers, checkView, type ViewedObject } from './same-everywhere.js';

const log = [
  entry(1, 'x', { data: 'old' }),
  entry(2, 'y', { label: 'tier=gold' }),
  entry(3, 'x', { parent: 1, data: 'new' }),
  entry(4, 'z'),
  entry(5, 'z', { parent: 4, verb: 'delete' }),
];
const x = seen('x', 3, { data: 'new' });
const y = seen('y', 2, { label: 'tier=gold' });

describe('J6 same everywhere, in views', () => {
  const held = (name: string, revision: number, data?: string, resourceVersion?: string): ViewedObject => {
    const object = objectOf(name, name === 'y' ? { label: 'tier=gold' } : { data });
    const json = Buffer.from(JSON.stringify({ ...object, metadata: { resourceVersion, ...object.metadata } }));
    return { key: keyOf(name), revision: seen(name, revision).revision, json };
  };
  const check = (...objects: ViewedObject[]) =>
    checkView({ name: 'the cache', objects }, historyOf(log)).map(({ what }) => what);

  it('accepts the fold of the log, whatever the order of keys, with resourceVersions or without', () => {
    expect(check(held('y', 2, undefined, '2'), held('x', 3, 'new'))).toEqual([]);
  });

  it.each<[string, ViewedObject[], string]>([
    ['lacks an object', [held('x', 3, 'new')], 'the cache lacks core/configmaps/default/y, which the log has at 2'],
    [
      'has a deleted one',
      [held('x', 3, 'new'), held('y', 2), held('z', 4)],
      'the cache has core/configmaps/default/z at 4, which the log does not have',
    ],
    ['is behind', [held('x', 1, 'old'), held('y', 2)], 'the cache has core/configmaps/default/x at 1, the log at 3'],
    [
      'has other content',
      [held('x', 3, 'old'), held('y', 2)],
      'the cache has another core/configmaps/default/x at 3 than the log',
    ],
  ])('sees a view that %s', (_name, objects, what) => {
    expect(check(...objects)).toEqual([what]);
  });
});

describe('J6 same everywhere, in answers', () => {
  const first = list([0, 1], 3, [x], { limit: 1, more: true });
  it.each<[string, Evidence]>([
    ['a get', evidenceOf(log, [get('x', [0, 1], 3, { data: 'new' })])],
    ['a get of an older state', evidenceOf(log, [get('x', [0, 1], 1, { data: 'old', fresh: 'cached' })])],
    ['a list', evidenceOf(log, [list([0, 1], 3, [x, y])])],
    ['a list of the past', evidenceOf(log, [list([0, 1], 1, [seen('x', 1, { data: 'old' })], { fresh: 1 })])],
    ['a list by a selector', evidenceOf(log, [list([0, 1], 3, [y], { labelSelector: 'tier=gold' })])],
    ['pages of a list', evidenceOf(log, [first, list([2, 3], 3, [y], { continues: first, limit: 1 })])],
  ])('accepts %s', (_name, evidence) => {
    expect(checkAnswers(evidence)).toEqual([]);
  });

  it.each<[string, Evidence, string]>([
    [
      'a get of what was never written',
      evidenceOf(log, [get('x', [0, 1], 2)]),
      'was given a core/configmaps/default/x at 2 that the log does not have',
    ],
    [
      'a get of other content',
      evidenceOf(log, [get('x', [0, 1], 3, { data: 'other' })]),
      'at 3 that the log does not have',
    ],
    [
      'a list that lacks an object',
      evidenceOf(log, [list([0, 1], 3, [x])]),
      'has nothing where the log has core/configmaps/default/y at 2',
    ],
    [
      'a list in another order',
      evidenceOf(log, [list([0, 1], 3, [y, x])]),
      'has core/configmaps/default/y at 2 where the log has core/configmaps/default/x at 3',
    ],
    [
      'a list with something too many',
      evidenceOf(log, [list([0, 1], 3, [x, y, seen('z', 4)])]),
      'has core/configmaps/default/z at 4, which the log does not have there',
    ],
    [
      'a list of two moments',
      evidenceOf(log, [list([0, 1], 3, [seen('x', 1, { data: 'old' }), y])]),
      'has core/configmaps/default/x at 1 where',
    ],
    [
      'a list of other content',
      evidenceOf(log, [list([0, 1], 3, [seen('x', 3, { data: 'old' }), y])]),
      'has other content than the log',
    ],
    [
      'a list that is not as of what was asked',
      evidenceOf(log, [list([0, 1], 3, [x, y], { fresh: 2 })]),
      'was asked for as of 2',
    ],
    [
      'a list past its selector',
      evidenceOf(log, [list([0, 1], 3, [x, y], { labelSelector: 'tier=gold' })]),
      'where the log has core/configmaps/default/y',
    ],
    [
      'a page that repeats',
      evidenceOf(log, [first, list([2, 3], 3, [x, y], { continues: first, limit: 2 })]),
      'where the log has core/configmaps/default/y',
    ],
    [
      'a page of another moment',
      evidenceOf(log, [first, list([2, 3], 5, [y], { continues: first })]),
      'goes on with one as of 3',
    ],
  ])('sees %s', (_name, evidence, what) => {
    const found = checkAnswers(evidence).map(formatViolation);
    expect(found.join('\n')).toContain(what);
    expect(found).toHaveLength(1);
  });

  it('sees a list that ends in the middle of a transaction', () => {
    const entries = [entry(1, 'x', { transaction: ['t', 0, 2] }), entry(2, 'y', { transaction: ['t', 1, 2] })];
    const found = checkAnswers(evidenceOf(entries, [list([0, 1], 1, [seen('x', 1)])]));
    expect(found.map(({ what }) => what)).toEqual(['a list of alice as of 1 ends in the middle of a transaction']);
  });
});
