import { toRevision } from '@periplus/api/meta';
import type { LogEntry } from '@periplus/log/event-log';
import { encodeObjectEvent } from '@periplus/log/object-events';
import { judge } from './judge.js';
import { readHistory } from './log-history.js';
import { entry, get, write } from './made-history.js';

function stored(logged: ReturnType<typeof entry>, more: Partial<LogEntry> = {}): LogEntry {
  const { revision, subject, timestampMs, event } = logged;
  return { stream: 'objects', revision, subject, timestampMs, payload: encodeObjectEvent(event), ...more };
}

describe('the judge', () => {
  const calls = [write('create', 'x', [0, 1], { ok: 1 }), get('x', [2, 3], 1)];

  it('finds nothing wrong with a run in which all rules held', () => {
    const verdict = judge({
      journal: { calls, sessions: [], originMs: 0 },
      histories: [readHistory('objects', [stored(entry(1, 'x'))])],
    });
    expect(verdict).toEqual({ violations: [], linear: { objects: 1, steps: expect.any(Number), unfinished: [] } });
  });

  it('names an entry that nobody can read, and what is missing because of it', () => {
    const verdict = judge({
      journal: { calls, sessions: [], originMs: 0 },
      histories: [readHistory('objects', [stored(entry(1, 'x'), { payload: Buffer.from('?') })])],
    });
    expect(verdict.violations.map(({ rule }) => rule)).toEqual(
      expect.arrayContaining(['J6 same everywhere', 'J1 kept', 'J3 linear']),
    );
  });

  it('takes the end of an object by its time to live for a delete', () => {
    const expiry = stored(entry(2, 'x'), { marker: 'expired', payload: new Uint8Array() });
    const { entries, last } = readHistory('objects', [stored(entry(1, 'x')), expiry]);
    expect(entries.map(({ revision, event }) => [revision, event.verb, event.parent])).toEqual([
      [1, 'create', 0],
      [2, 'delete', 1],
    ]);
    expect(last).toBe(2);
    expect(readHistory('objects', [expiry], toRevision(1)).entries).toEqual([]);
  });
});
