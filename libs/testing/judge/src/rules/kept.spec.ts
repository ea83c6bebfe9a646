import type { Evidence } from '../evidence.js';
import { entry, evidenceOf, write } from '../made-history.js';
import { formatViolation } from '../violation.js';
import { checkKept } from './kept.js';

const created = entry(1, 'x');

describe('J1 kept', () => {
  it.each<[string, Evidence]>([
    ['an acknowledged create', evidenceOf([created], [write('create', 'x', [0, 2], { ok: 1 })])],
    ['a patch that changed nothing', evidenceOf([created], [write('patch', 'x', [2, 3], { ok: 1, request: 'noop' })])],
    ['a write without an answer that was not done', evidenceOf([], [write('create', 'x', [0, Infinity])])],
    [
      'a write without an answer that was done once',
      evidenceOf([created], [write('create', 'x', [0, Infinity], { request: 'r1' })]),
    ],
    ['a refused create', evidenceOf([created], [write('create', 'x', [2, 3], { refused: 'AlreadyExists' })])],
    [
      'a delete that is answered by a Status',
      evidenceOf(
        [created, entry(2, 'x', { verb: 'delete', parent: 1 })],
        [write('delete', 'x', [2, 3], { ok: 'status', request: 'r2' })],
      ),
    ],
    ['a write from before the floor', evidenceOf([], [write('create', 'x', [0, 2], { ok: 1 })], [], 5)],
    [
      'several objects by one request',
      evidenceOf([created, entry(2, 'y', { request: 'r1#1' })], [write('create', 'x', [0, 2], { ok: 1 })]),
    ],
  ])('accepts %s', (_name, evidence) => {
    expect(checkKept(evidence)).toEqual([]);
  });

  it.each<[string, Evidence, string]>([
    [
      'a lost write',
      evidenceOf([], [write('create', 'x', [0, 2], { ok: 1 })]),
      'an acknowledged create of core/configmaps/default/x is not in the log at 1',
    ],
    [
      "another's write in its place",
      evidenceOf([entry(1, 'x', { request: 'other' })], [write('create', 'x', [0, 2], { ok: 1 })]),
      'is not in the log at 1',
    ],
    [
      'a write at another revision than was said',
      evidenceOf([entry(4, 'x', { request: 'r1' })], [write('create', 'x', [0, 2], { ok: 1 })]),
      'was written at 4, and the client was told 1',
    ],
    [
      'a request that wrote twice',
      evidenceOf(
        [created, entry(2, 'x', { parent: 1, request: 'r1' })],
        [write('update', 'x', [0, Infinity], { request: 'r1' })],
      ),
      'one request wrote core/configmaps/default/x 2 times',
    ],
    [
      'a refused write that was done all the same',
      evidenceOf([created], [write('create', 'x', [0, 2], { request: 'r1', refused: 'Conflict' })]),
      'a refused create of core/configmaps/default/x is in the log',
    ],
    [
      'a delete that left no trace',
      evidenceOf([created], [write('delete', 'x', [2, 3], { ok: 'status', request: 'r2' })]),
      'an acknowledged delete of core/configmaps/default/x is not in the log',
    ],
  ])('sees %s', (_name, evidence, what) => {
    const found = checkKept(evidence);
    expect(found.map(formatViolation).join('\n')).toContain(what);
    expect(found).toHaveLength(1);
  });

  it('tells it as a story', () => {
    const evidence = evidenceOf([entry(4, 'x', { request: 'r1', atMs: 1 })], [write('create', 'x', [0, 2], { ok: 1 })]);
    expect(checkKept(evidence).map(formatViolation)).toEqual([
      'J1 kept: core/configmaps/default/x was written at 4, and the client was told 1\n' +
        '    0.000 s to 0.002 s  alice over server: create core/configmaps/default/x (request r1) → ok at 1\n' +
        '    0.001 s  the log at 4: create core/configmaps/default/x by alice (request r1)',
    ]);
  });
});
