import type { LoggedEvent } from '../log-history.js';
import { bookmark, type Content, entry, evidenceOf, historyOf, session, told } from '../made-history.js';
import type { SeenEvent, WatchSession } from '../recorded-call.js';
import { createLogIndex } from '../log-index.js';
import { formatViolation } from '../violation.js';
import { checkWatches } from './watch-promises.js';

const gold: Content = { label: 'tier=gold' };
const other: Content = { label: 'tier=other' };
const log = [
  entry(2, 'x', gold),
  entry(3, 'y', other),
  entry(4, 'x', { parent: 2, ...other }),
  entry(6, 'y', { parent: 3, ...gold }),
  entry(7, 'x', { parent: 4, verb: 'delete', ...other }),
];
const all: readonly SeenEvent[] = [
  told('ADDED', 'x', 2, gold),
  told('ADDED', 'y', 3, other),
  told('MODIFIED', 'x', 4, other),
  told('MODIFIED', 'y', 6, gold),
  told('DELETED', 'x', 7, other),
];
const selected: readonly SeenEvent[] = [
  told('ADDED', 'x', 2, gold),
  told('DELETED', 'x', 4, gold),
  told('ADDED', 'y', 6, gold),
];
const onlyGold = { labelSelector: 'tier=gold' };
const cut = { end: { type: 'ended', atMs: 99 } } as const;
const check = (watch: WatchSession, entries: readonly LoggedEvent[] = log, floor = 0) =>
  checkWatches(evidenceOf(entries, [], [watch], floor)).map(formatViolation);

describe('J4 watch', () => {
  it.each<[string, WatchSession]>([
    ['all that happened', session(1, all)],
    ['what came after a revision', session(4, all.slice(3))],
    ['a part, when it was cut', session(1, all.slice(0, 2), cut)],
    ['what is within a selector', session(1, selected, onlyGold)],
    [
      'what is within another',
      session(
        1,
        [
          told('ADDED', 'y', 3, other),
          told('ADDED', 'x', 4, other),
          told('DELETED', 'y', 6, other),
          told('DELETED', 'x', 7, other),
        ],
        { labelSelector: 'tier in (other, none)' },
      ),
    ],
    ['the one of a name', session(1, [all[1]!, all[3]!], { fieldSelector: 'metadata.name=y' })],
    [
      'bookmarks where nothing is missing',
      session(1, [all[0]!, bookmark(2), all[1]!, all[2]!, bookmark(5), all[3]!, all[4]!, bookmark(9)]),
    ],
    [
      'first what there is, in any order',
      session(
        'newest',
        [all[2]!, all[1]!].map((event) => ({ ...event, type: 'ADDED' })).concat(all.slice(3)) as SeenEvent[],
      ),
    ],
    [
      'first what there is, and that it was all',
      session('newest', [told('ADDED', 'y', 6, gold), bookmark(7, true)], { sendInitialEvents: true }),
    ],
    ['nothing, where there is nothing', session('cached', [])],
    ['a first state that was cut', session('newest', [told('ADDED', 'y', 3, other)], cut)],
  ])('accepts a watch that is told %s', (_name, watch) => {
    expect(check(watch, watch.events.length === 0 ? [] : log)).toEqual([]);
  });

  it.each<[string, WatchSession, string]>([
    [
      'out of order',
      session(1, [all[1]!, all[0]!, ...all.slice(2)]),
      'was told ADDED core/configmaps/default/y at 3 where ADDED core/configmaps/default/x at 2 was due',
    ],
    ['twice', session(1, [all[0]!, all[0]!, ...all.slice(1)]), 'was told ADDED core/configmaps/default/x at 2 after 2'],
    ['with a gap', session(1, [all[0]!, ...all.slice(2)]), 'where ADDED core/configmaps/default/y at 3 was due'],
    [
      'again what it had seen before it resumed',
      session(4, all.slice(2)),
      'was told MODIFIED core/configmaps/default/x at 4 after 4',
    ],
    ['nothing of the end', session(1, all.slice(0, 4)), 'was never told of DELETED at 7'],
    [
      'of something the log does not have',
      session(1, [...all, told('ADDED', 'z', 9)]),
      'was told ADDED core/configmaps/default/z at 9, which does not follow from the log',
    ],
    [
      'the wrong type',
      session(1, [all[0]!, all[1]!, told('ADDED', 'x', 4, other)], cut),
      'was told ADDED core/configmaps/default/x at 4 where MODIFIED',
    ],
    [
      'MODIFIED when an object enters its filter',
      session(1, [selected[0]!, selected[1]!, told('MODIFIED', 'y', 6, gold)], onlyGold),
      'where ADDED core/configmaps/default/y at 6 was due',
    ],
    [
      'nothing when an object leaves its filter',
      session(1, [selected[0]!, selected[2]!], onlyGold),
      'where DELETED core/configmaps/default/x at 4 was due',
    ],
    [
      'of the new state when an object leaves its filter',
      session(1, [selected[0]!, told('DELETED', 'x', 4, other), selected[2]!], onlyGold),
      'was shown another core/configmaps/default/x at 4 than the log has',
    ],
    [
      'of what is outside its filter',
      session(1, [selected[0]!, all[1]!, ...selected.slice(1)], onlyGold),
      'was told ADDED core/configmaps/default/y at 3',
    ],
    [
      'other content than was written',
      session(1, [told('ADDED', 'x', 2, { label: 'tier=lead' })], cut),
      'was shown another core/configmaps/default/x at 2',
    ],
    ['a bookmark too early', session(1, [all[0]!, bookmark(4)], cut), 'was given a bookmark 4 before what is at 3'],
    ['a bookmark of long ago', session(1, [all[0]!, all[1]!, bookmark(2)], cut), 'was given a bookmark 2 behind 3'],
    [
      'a first state of two moments',
      session('newest', [told('ADDED', 'x', 2, gold), told('ADDED', 'y', 6, gold)]),
      'where ADDED core/configmaps/default/y at 3 was due',
    ],
    [
      'a first state without one of its objects',
      session('newest', [told('ADDED', 'x', 4, other), all[3]!, all[4]!]),
      'begins with objects that were there together at no time',
    ],
    [
      'the end of the first state before its objects',
      session('newest', [bookmark(7, true), told('ADDED', 'y', 6, gold)], { sendInitialEvents: true }),
      'was told of the end of the initial events too early',
    ],
  ])('sees a watch that is told %s', (_name, watch, what) => {
    const found = check(watch);
    expect(found.join('\n')).toContain(what);
    expect(found).toHaveLength(1);
  });

  it('takes the first state for what the watch says that it is, though its beginning goes on as the log does', () => {
    const entries = [entry(2, 'a'), entry(3, 'b'), entry(4, 'd'), entry(5, 'c'), entry(6, 'a', { parent: 2 })];
    const events = [
      told('ADDED', 'a', 2),
      told('ADDED', 'b', 3),
      told('ADDED', 'c', 5),
      told('ADDED', 'd', 4),
      bookmark(5, true),
      told('MODIFIED', 'a', 6),
    ];
    expect(check(session('newest', events, { sendInitialEvents: true }), entries)).toEqual([]);
  });

  it('sees a bookmark in the middle of a transaction', () => {
    const entries = [entry(1, 'x', { transaction: ['t', 0, 2] }), entry(2, 'y', { transaction: ['t', 1, 2] })];
    const events = [told('ADDED', 'x', 1), bookmark(1), told('ADDED', 'y', 2)];
    expect(check(session(0, events), entries)).toEqual([expect.stringContaining('in the middle of a transaction')]);
  });

  it('judges by the entries above the floor, where the state before is not known', () => {
    const entries = [entry(9, 'x', { parent: 7, ...gold }), entry(10, 'y', { parent: 6, ...other })];
    expect(check(session(8, [told('ADDED', 'x', 9, gold)], onlyGold), entries, 8)).toEqual([]);
    expect(
      check(session(8, [told('MODIFIED', 'x', 9, gold), told('DELETED', 'y', 10, other)], onlyGold), entries, 8),
    ).toEqual([]);
    expect(check(session(8, [], onlyGold), entries, 8)).toEqual([
      expect.stringContaining('was never told of ADDED at 9'),
    ]);
  });

  it('does not ask for what was appended a moment before it judges', () => {
    const evidence = evidenceOf(log, [], [session(1, all.slice(0, 4))]);
    expect(checkWatches(evidence, { deliveredBeforeMs: 7 })).toEqual([]);
    expect(checkWatches(evidence, { deliveredBeforeMs: 8 })).toHaveLength(1);
  });

  it('tells it as a story', () => {
    const events = [all[0]!, all[2]!].map((event, index) => ({ ...event, atMs: index + 5 }));
    const [story] = checkWatches({
      journal: { calls: [], sessions: [session(1, events, cut)], originMs: 0 },
      log: createLogIndex([historyOf(log)]),
    }).map(formatViolation);
    expect(story?.split('\n')).toEqual([
      'J4 watch: the watch of watcher for configmaps was told MODIFIED core/configmaps/default/x at 4 where ADDED core/configmaps/default/y at 3 was due',
      '    0.000 s  watcher over server: watch core/configmaps in default from as of 1',
      '    0.003 s  the log at 3: create core/configmaps/default/y by alice (request r3)',
      '    0.005 s  watcher is told ADDED core/configmaps/default/x at 2',
      '    0.006 s  watcher is told MODIFIED core/configmaps/default/x at 4',
    ]);
  });
});
