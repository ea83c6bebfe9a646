import type { Evidence } from '../evidence.js';
import { bookmark, entry, evidenceOf, get, list, seen, session, write } from '../made-history.js';
import { formatViolation } from '../violation.js';
import { checkNoTimeTravel } from './no-time-travel.js';

const log = [entry(1, 'x'), entry(2, 'y'), entry(3, 'x', { parent: 1 }), entry(5, 'x', { parent: 3, verb: 'delete' })];
const moved = { connection: 'other' };
const cached = { fresh: 'cached' } as const;
const both = [seen('x', 3), seen('y', 2)];

describe('J5 no time travel', () => {
  it.each<[string, Evidence]>([
    ['reads that go forward', evidenceOf(log, [get('x', [0, 1], 1), list([2, 3], 3, both), get('x', [4, 5], 0)])],
    ['reads at the same time', evidenceOf(log, [get('x', [0, 9], 3), get('x', [1, 8], 1)])],
    ['an old object that is still the newest', evidenceOf(log, [list([0, 1], 3, both), get('y', [2, 3], 2)])],
    ["another's older sight", evidenceOf(log, [get('x', [0, 1], 3), get('x', [2, 3], 1, { client: 'bob' })])],
    ['a read of its own write', evidenceOf(log, [write('create', 'x', [0, 1], { ok: 1 }), get('x', [2, 3], 1)])],
    ['what is cached elsewhere', evidenceOf(log, [get('x', [0, 1], 3), get('x', [2, 3], 1, { ...cached, ...moved })])],
    [
      'what is cached before its own write has come round',
      evidenceOf(log, [write('patch', 'x', [0, 1], { ok: 3 }), get('x', [2, 3], 1, cached)]),
    ],
    [
      'a list of the past',
      evidenceOf(log, [list([0, 1], 3, both), list([2, 3], 2, [seen('x', 1), seen('y', 2)], { fresh: 2 })]),
    ],
    ['a read not older than a version', evidenceOf(log, [get('x', [0, 1], 3, { fresh: 3 })])],
  ])('accepts %s', (_name, evidence) => {
    expect(checkNoTimeTravel(evidence)).toEqual([]);
  });

  it.each<[string, Evidence, string]>([
    [
      'a get that goes back',
      evidenceOf(log, [get('x', [0, 1], 3), get('x', [2, 3], 1)]),
      'alice saw core/configmaps/default/x at 1 after it had seen 3',
    ],
    [
      'a get that goes back behind a list',
      evidenceOf(log, [list([0, 1], 3, both), get('x', [2, 3], 1)]),
      'at 1 after it had seen 3',
    ],
    [
      'a get that goes back behind a watch',
      evidenceOf(log, [get('x', [9, 10], 1, { client: 'watcher' })], [session('cached', [bookmark(3)])]),
      'watcher saw core/configmaps/default/x at 1 after it had seen 3',
    ],
    [
      'a get that goes back behind the sight of another object',
      evidenceOf([...log, entry(6, 'y', { parent: 2 })], [get('y', [0, 1], 6), get('x', [2, 3], 3)]),
      'at 3 after it had seen 6, though that state ended at 5',
    ],
    [
      'a get that does not see its own write',
      evidenceOf(log, [write('patch', 'x', [0, 1], { ok: 3 }), get('x', [2, 3], 1)]),
      'at 1 after it had seen 3',
    ],
    [
      'a 404 for its own write',
      evidenceOf(log.slice(0, 3), [write('patch', 'x', [0, 1], { ok: 3 }), get('x', [2, 3], 0)]),
      'was told that core/configmaps/default/x is not there',
    ],
    [
      'a list that goes back',
      evidenceOf(log, [list([0, 1], 3, both), list([2, 3], 2, [])]),
      'was given a list as of 2 after it had seen 3',
    ],
    [
      'a list that does not see its own write',
      evidenceOf(log, [write('patch', 'x', [0, 1], { ok: 3 }), list([2, 3], 2, [])]),
      'was given a list as of 2 after it had seen 3',
    ],
    [
      'a cached read that goes back on one server',
      evidenceOf(log, [get('x', [0, 1], 3), get('x', [2, 3], 1, cached)]),
      'at 1 after it had seen 3',
    ],
    [
      'a read that is older than the version it names',
      evidenceOf(log, [get('x', [0, 1], 1, { fresh: 3 })]),
      'at 1 after it had seen 3',
    ],
    [
      'a write that was decided on the past',
      evidenceOf(log, [get('x', [0, 1], 3), write('patch', 'x', [2, 3], { ok: 1 })]),
      'at 1 after it had seen 3',
    ],
    [
      'a watch whose first state is old',
      evidenceOf(
        log,
        [list([0, 1], 3, both)],
        [session('newest', [bookmark(2, true)], { client: 'alice', startMs: 2 })],
      ),
      'a watch of alice began at 2 after it had seen 3',
    ],
  ])('sees %s', (_name, evidence, what) => {
    const found = checkNoTimeTravel(evidence).map(formatViolation);
    expect(found.join('\n')).toContain(what);
    expect(found).toHaveLength(1);
  });
});
