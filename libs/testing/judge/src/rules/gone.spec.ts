import { toRevision } from '@periplus/api/meta';
import { testSystemEvent } from '@periplus/log/object-events/testing';
import type { LoggedEvent } from '../log-history.js';
import { entry, evidenceOf, keyOf, target } from '../made-history.js';
import type { Freshness, GetCall, ListCall, RecordedCall, WatchSession } from '../recorded-call.js';
import { checkGone } from './gone.js';

const exactly = (revision: number): Freshness => ({ type: 'exactly', revision: toRevision(revision) });
const refused = { type: 'refused', reason: 'Expired', message: 'too old' } as const;

function floor(revision: number, scope: string, to: number): LoggedEvent {
  const event = testSystemEvent({ type: 'floor', revision: toRevision(to), scope, timeMs: 0 });
  return { revision: toRevision(revision), subject: `system.objects.floor.${scope}`, timestampMs: revision, event };
}

const list = (freshness: Freshness, more: Partial<ListCall> = {}): ListCall => ({
  client: 'c',
  kind: 'list',
  target,
  freshness,
  startMs: 49,
  endMs: 50,
  outcome: refused,
  ...more,
});
const get = (name: string, revision: number): GetCall => ({
  client: 'c',
  kind: 'get',
  key: keyOf(name),
  freshness: exactly(revision),
  startMs: 49,
  endMs: 50,
  outcome: refused,
});
const watch = (from: WatchSession['from'], atMs = 50): WatchSession => ({
  client: 'c',
  target,
  from,
  sendInitialEvents: false,
  startMs: 1,
  events: [],
  end: { type: 'ended', atMs, reason: 'Expired' },
});

/** What is judged of it: x was written at 1, 5 and 8, y at 2. */
function check(floors: readonly LoggedEvent[], calls: readonly RecordedCall[], sessions: readonly WatchSession[] = []) {
  const written = [entry(1, 'x'), entry(2, 'y'), entry(5, 'x', { parent: 1 }), entry(8, 'x', { parent: 5 })];
  return checkGone(evidenceOf([...written, ...floors], calls, sessions)).length;
}

describe('the judge of what is gone', () => {
  const ofResource = floor(9, 'core.configmaps', 5);
  const ofObject = floor(9, 'core.configmaps.default.x', 5);

  it.each<[string, number, number]>([
    ['a list one before the floor', check([ofResource], [list(exactly(4))]), 0],
    ['a list at the floor', check([ofResource], [list(exactly(5))]), 1],
    ['a list where nothing is gone', check([], [list(exactly(4))]), 1],
    ['a list before the floor of another resource', check([floor(9, 'core.pods', 5)], [list(exactly(4))]), 1],
    ['a list before the floor of one object', check([ofObject], [list(exactly(4))]), 0],
    ['a list before a floor that came later', check([floor(60, 'core.configmaps', 5)], [list(exactly(4))]), 1],
    ['a get before the floor of the object', check([ofObject], [get('x', 4)]), 0],
    ['a get before the floor of another', check([ofObject], [get('y', 4)]), 1],
    ['a get as of a time, with a floor', check([ofObject], [{ ...get('x', 0), freshness: { type: 'past' } }]), 0],
    ['a get as of a time, without one', check([], [{ ...get('x', 0), freshness: { type: 'past' } }]), 1],
    ['a watch one before the floor', check([ofResource], [], [watch(exactly(4) as WatchSession['from'])]), 0],
    ['a watch at the floor', check([ofResource], [], [watch(exactly(5) as WatchSession['from'])]), 1],
  ])('holds 410 against the floors: %s', (_name, found, expected) => {
    expect(found).toBe(expected);
  });

  it('takes a page for what its first page was', () => {
    const first = list({ type: 'newest' }, { outcome: { type: 'ok', revision: toRevision(4), items: [], more: true } });
    const next = list({ type: 'newest' }, { continues: first });
    expect(check([ofResource], [next])).toBe(0);
    expect(check([floor(9, 'core.configmaps', 3)], [next])).toBe(1);
    expect(check([], [{ ...next, endMs: 400_000 }])).toBe(0);
  });
});
