import { emptyKey } from '@periplus/log/object-events';
import type { LoggedEvent } from '../log-history.js';
import { entry, evidenceOf, type MadeEntry } from '../made-history.js';
import { checkBoundOnce, checkParents, checkTransactions } from './one-line.js';

describe('J2 one line', () => {
  it.each<[string, LoggedEvent[], number]>([
    [
      'a line, over a delete and a new object of the name',
      [entry(1, 'x'), entry(2, 'x', { parent: 1 }), entry(3, 'x', { parent: 2, verb: 'delete' }), entry(4, 'x')],
      0,
    ],
    [
      'lines of several objects',
      [entry(1, 'x'), entry(2, 'y'), entry(3, 'x', { parent: 1 }), entry(4, 'y', { parent: 2 })],
      0,
    ],
    ['what begins above the floor', [entry(9, 'x', { parent: 7 }), entry(10, 'x', { parent: 9 })], 8],
  ])('accepts %s', (_name, entries, floor) => {
    expect(checkParents(evidenceOf(entries, [], [], floor))).toEqual([]);
  });

  it.each<[string, LoggedEvent[], string]>([
    [
      'a fork',
      [entry(1, 'x'), entry(2, 'x', { parent: 1 }), entry(3, 'x', { parent: 1 })],
      'at 3 names parent 1, not 2',
    ],
    ['a gap', [entry(1, 'x'), entry(3, 'x', { parent: 2 })], 'at 3 names parent 2, not 1'],
    ['a first entry that follows another', [entry(3, 'x', { parent: 2 })], 'at 3 names parent 2, not 0'],
    [
      'a life that goes on after its end',
      [entry(1, 'x'), entry(2, 'x', { parent: 1, verb: 'delete' }), entry(3, 'x', { parent: 2 })],
      'at 3 names parent 2, not 0',
    ],
  ])('sees %s', (_name, entries, what) => {
    expect(checkParents(evidenceOf(entries)).map((found) => found.what)).toEqual([expect.stringContaining(what)]);
  });

  it('does not judge system entries', () => {
    const made = entry(1, 'x', { parent: 9 });
    expect(checkParents(evidenceOf([{ ...made, event: { ...made.event, verb: 'system', key: emptyKey } }]))).toEqual(
      [],
    );
  });

  const part = (revision: number, name: string, index: number, count: number, id = 't'): LoggedEvent =>
    entry(revision, name, { transaction: [id, index, count] });

  it.each<[string, LoggedEvent[], boolean]>([
    ['a whole transaction', [entry(1, 'a'), part(2, 'x', 0, 2), part(3, 'y', 1, 2), entry(4, 'b')], true],
    ['one that lacks its end', [part(1, 'x', 0, 3), part(2, 'y', 1, 3)], false],
    ['one that another entry interrupts', [part(1, 'x', 0, 2), entry(2, 'z'), part(3, 'y', 1, 2)], false],
    ['one that another transaction takes over', [part(1, 'x', 0, 2), part(2, 'y', 1, 2, 'u')], false],
  ])('knows %s', (_name, entries, isWhole) => {
    expect(checkTransactions(evidenceOf(entries))).toHaveLength(isWhole ? 0 : 1);
  });

  const pod = (revision: number, node: string, made: MadeEntry = {}): LoggedEvent => {
    const logged = entry(revision, 'p', made);
    const object = Buffer.from(
      JSON.stringify({ metadata: { name: 'p' }, spec: node === '' ? {} : { nodeName: node } }),
    );
    return { ...logged, event: { ...logged.event, key: { ...logged.event.key, resource: 'pods' }, object } };
  };

  it.each<[string, LoggedEvent[], string[]]>([
    ['keeps its node', [pod(1, ''), pod(2, 'a', { parent: 1 }), pod(3, 'a', { parent: 2 })], []],
    ['moves', [pod(1, 'a'), pod(2, 'b', { parent: 1 })], ['core/pods/default/p at 2 moved from a to b']],
    ['loses its node', [pod(1, 'a'), pod(2, '', { parent: 1 })], ['core/pods/default/p at 2 moved from a to no node']],
  ])('knows a pod that %s', (_name, entries, expected) => {
    expect(checkBoundOnce(evidenceOf(entries)).map((found) => found.what)).toEqual(expected);
  });
});
