import type { Evidence } from '../evidence.js';
import { entry, evidenceOf, get, list, seen, write } from '../made-history.js';
import { formatViolation } from '../violation.js';
import { checkLinear } from './linear.js';

const three = [entry(1, 'x'), entry(2, 'x', { parent: 1 }), entry(3, 'x', { parent: 2, verb: 'delete' })];
const done = [write('create', 'x', [0, 1], { ok: 1 }), write('patch', 'x', [2, 3], { ok: 2 })];

describe('J3 linear', () => {
  it.each<[string, Evidence]>([
    ['writes and reads one after the other', evidenceOf(three.slice(0, 2), [...done, get('x', [4, 5], 2)])],
    ['a read beside a write', evidenceOf(three.slice(0, 2), [...done, get('x', [2, 3], 1)])],
    [
      'an old read of what is cached',
      evidenceOf(three.slice(0, 2), [...done, get('x', [4, 5], 1, { fresh: 'cached' })]),
    ],
    ['a write of somebody without a journal', evidenceOf(three.slice(0, 2), [done[0]!, get('x', [4, 5], 2)])],
    [
      'a write without an answer that is in the log',
      evidenceOf(three.slice(0, 2), [
        done[0]!,
        write('patch', 'x', [2, Infinity], { request: 'r2' }),
        get('x', [9, 10], 2),
      ]),
    ],
    [
      'a write without an answer that is not in the log',
      evidenceOf(three.slice(0, 1), [done[0]!, write('patch', 'x', [2, Infinity]), get('x', [9, 10], 1)]),
    ],
    [
      'a patch that changed nothing',
      evidenceOf(three.slice(0, 1), [done[0]!, write('patch', 'x', [2, 3], { ok: 1, request: 'n' })]),
    ],
    [
      'a write whose door put a digest behind its id',
      evidenceOf(
        [three[0]!, entry(2, 'x', { parent: 1, request: `r2.${'0af9'.repeat(8)}#1` })],
        [...done, get('x', [4, 5], 2)],
      ),
    ],
    [
      'a delete answered by a Status',
      evidenceOf(three, [...done, write('delete', 'x', [4, 5], { ok: 'status', request: 'r3' }), get('x', [6, 7], 0)]),
    ],
    [
      'a conflict with a version that has passed',
      evidenceOf(three.slice(0, 2), [...done, write('update', 'x', [4, 5], { expected: 1, refused: 'Conflict' })]),
    ],
    [
      'a list that has the object and one that has it no more',
      evidenceOf(three, [...done, list([4, 5], 2, [seen('x', 2)]), list([4, 9], 3, [])]),
    ],
    [
      'a filtered list that hides it',
      evidenceOf(three.slice(0, 1), [done[0]!, list([4, 5], 1, [], { labelSelector: 'a=b' })]),
    ],
    [
      'calls on what was there before the floor',
      evidenceOf(
        [entry(9, 'x', { parent: 7 })],
        [write('patch', 'x', [8, 9.5], { ok: 9 }), get('x', [10, 11], 9)],
        [],
        8,
      ),
    ],
  ])('accepts %s', (_name, evidence) => {
    expect(checkLinear(evidence)).toMatchObject({ violations: [], unfinished: [] });
  });

  it.each<[string, Evidence]>([
    ['a get that is stale', evidenceOf(three.slice(0, 2), [...done, get('x', [4, 5], 1)])],
    ['a 404 for what is there', evidenceOf(three.slice(0, 2), [...done, get('x', [4, 5], 0)])],
    ['a list that lacks it', evidenceOf(three.slice(0, 2), [...done, list([4, 5], 2, [])])],
    [
      'a list that has it still',
      evidenceOf(three, [...done, write('delete', 'x', [4, 5], { ok: 3 }), list([6, 7], 3, [seen('x', 2)])]),
    ],
    [
      'a conflict where the version was right',
      evidenceOf(three.slice(0, 1), [done[0]!, write('update', 'x', [4, 5], { expected: 1, refused: 'Conflict' })]),
    ],
    ['AlreadyExists where nothing is', evidenceOf([], [write('create', 'x', [4, 5], { refused: 'AlreadyExists' })])],
    [
      'NotFound for what is there',
      evidenceOf(three.slice(0, 1), [done[0]!, write('delete', 'x', [4, 5], { refused: 'NotFound' })]),
    ],
    [
      'two updates on one version',
      evidenceOf(three.slice(0, 2), [
        done[0]!,
        write('update', 'x', [2, 3], { ok: 2, expected: 1 }),
        write('update', 'x', [2, 3], { ok: 4, expected: 1 }),
      ]),
    ],
  ])('sees %s', (_name, evidence) => {
    expect(checkLinear(evidence).violations).toHaveLength(1);
  });

  it('tells what was placed and what could not be', () => {
    const { violations } = checkLinear(evidenceOf(three.slice(0, 2), [...done, list([4, 5], 2, [seen('x', 1)])]));
    expect(violations.map(formatViolation)).toEqual([
      [
        'J3 linear: the calls on core/configmaps/default/x fit no order in which each sees what those before it did',
        '    0.000 s to 0.001 s  alice over server: create core/configmaps/default/x (request r1) → ok at 1',
        '    0.002 s to 0.003 s  alice over server: patch core/configmaps/default/x (request r2) → ok at 2',
        '    after which one of these would have to come, and none can:',
        '    0.004 s to 0.005 s  alice over server: list core/configmaps in default, the newest → 1 objects at 2, with this one at 1',
      ].join('\n'),
    ]);
  });

  it('reports the objects for which its bound was too low', () => {
    expect(checkLinear(evidenceOf(three.slice(0, 2), done), 1)).toMatchObject({
      violations: [],
      unfinished: ['core/configmaps/default/x'],
    });
  });
});
