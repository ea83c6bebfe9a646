import { crc32 } from 'node:zlib';
import { toRevision } from '@periplus/api/meta';
import {
  encodeObjectEvent,
  floorSubject,
  type ObjectEvent,
  objectRangeOf,
  subjectOf,
} from '@periplus/log/object-events';
import { testEvent, testKey, testSystemEvent } from '@periplus/log/object-events/testing';
import { type Change, toChange } from '@periplus/view/projection';
import { canonicalHash } from './canonical-hash.js';
import { createStreamAudit } from './stream-audit.js';

function entry(revision: number, name: string, event: Partial<ObjectEvent> & { damaged?: boolean } = {}): Change {
  const key = testKey(name);
  const { damaged, ...more } = event;
  const payload = encodeObjectEvent(testEvent({ key }, more));
  if (damaged) payload[payload.length >> 1]! ^= 1;
  return toChange({
    stream: 'objects',
    revision: toRevision(revision),
    subject: subjectOf(key),
    payload,
    timestampMs: 0,
  });
}
/** The CRC made anew, as a faulty writer would. */
function withOtherObject(change: Change): Change {
  if (change.type !== 'put') throw new Error('no object');
  const payload = Uint8Array.from(change.payload);
  const end = payload.length - 6;
  payload[objectRangeOf(payload)!.end - 4]! ^= 1;
  new DataView(payload.buffer).setUint32(end + 2, crc32(payload.subarray(0, end)), true);
  const { stream, revision, subject, timestampMs } = change;
  return toChange({ stream, revision, subject, timestampMs, payload });
}
const on = (parent: number): Partial<ObjectEvent> => ({ parent: toRevision(parent) });
const part = (index: number, count: number, id = 't'): Partial<ObjectEvent> => ({ transaction: { id, index, count } });
function floor(revision: number, scope: string, at: number): Change {
  const event = testSystemEvent({ type: 'floor', scope, revision: toRevision(at), timeMs: 0 });
  const subject = floorSubject('objects', scope);
  const payload = encodeObjectEvent(event);
  return toChange({ stream: 'objects', revision: toRevision(revision), subject, payload, timestampMs: 0 });
}

function audit(changes: readonly Change[]) {
  const made = createStreamAudit({ stream: 'objects', wantsHash: () => true });
  made.take(changes);
  return made;
}
const said = (changes: readonly Change[]): string[] =>
  audit(changes).findings.map(({ revision, what }) => `${revision} ${what}`);

describe('the audit of a stream', () => {
  it.each<[string, Change[]]>([
    ['a line', [entry(4, 'x'), entry(6, 'x', on(4)), entry(9, 'x', on(6))]],
    ['a line over an end', [entry(4, 'x'), entry(6, 'x', { ...on(4), verb: 'delete' }), entry(9, 'x')]],
    ['lines of several objects', [entry(1, 'x'), entry(2, 'y'), entry(3, 'x', on(1)), entry(4, 'y', on(2))]],
    ['a transaction', [entry(1, 'x', part(0, 2)), entry(2, 'y', part(1, 2))]],
    [
      'transactions one behind the other',
      [entry(1, 'x', part(0, 1)), entry(2, 'y', part(0, 2, 'u')), entry(3, 'z', part(1, 2, 'u'))],
    ],
    ['a gap between entries', [entry(1, 'x'), entry(9, 'y')]],
  ])('finds nothing wrong with %s', (_name, changes) => {
    const { findings, suspects } = audit(changes);
    expect([findings, suspects]).toEqual([[], []]);
  });

  it.each<[string, Change[], string[]]>([
    ['a flipped bit', [entry(1, 'x', { damaged: true })], ['1 the checksum of the envelope does not match']],
    [
      "another object than the checksum's",
      [withOtherObject(entry(1, 'x'))],
      ["1 the object's checksum does not match"],
    ],
    ['a fork', [entry(1, 'x'), entry(2, 'x', on(1)), entry(3, 'x', on(1))], ['3 names parent 1, not 2']],
    ['a second beginning', [entry(1, 'x'), entry(2, 'x')], ['2 begins the object anew, though it is there at 1']],
    [
      'a life after the end',
      [entry(1, 'x'), entry(2, 'x', { ...on(1), verb: 'delete' }), entry(3, 'x', on(2))],
      ['3 names parent 2, though the object ended at 2'],
    ],
    ['an interrupted transaction', [entry(1, 'x', part(0, 2)), entry(2, 'y')], ['2 interrupts transaction t']],
    [
      'a transaction without its beginning',
      [entry(1, 'x'), entry(2, 'y', part(1, 2))],
      ['2 transaction t begins with part 1'],
    ],
  ])('says what is wrong with %s', (_name, changes, expected) => {
    expect(said(changes)).toEqual(expected);
  });

  it('does not blame what follows a damaged entry', () => {
    const damaged = entry(2, 'x', { ...on(1), damaged: true });
    expect(said([entry(1, 'x'), damaged, entry(3, 'x', on(1))])).toHaveLength(1);
    expect(said([entry(1, 'x'), damaged, entry(3, 'x', on(2))])).toHaveLength(1);
    expect(said([entry(1, 'x'), damaged, entry(3, 'x')])).toHaveLength(1);
    expect(said([entry(1, 'x', part(0, 3)), entry(2, 'y', { damaged: true }), entry(3, 'z', part(2, 3))])).toHaveLength(
      1,
    );
  });

  it('suspects what may have been purged, and knows the floors', () => {
    const { suspects, findings, ...rest } = audit([
      entry(9, 'x', on(6)),
      entry(11, 'y', part(1, 2)),
      entry(12, 'z', part(0, 2, 'u')),
      floor(14, 'core.pods', 10),
      floor(15, 'core.pods.default.y', 13),
    ]);
    expect(findings).toEqual([]);
    expect(suspects.map(({ revision, finding }) => [revision, finding.what])).toEqual([
      [9, 'its parent 6 is missing'],
      [10, 'transaction t lacks its part at 10'],
      [13, 'transaction u lacks its part at 13'],
    ]);
    expect([rest.floorOf(testKey('x')), rest.floorOf(testKey('y')), rest.highestFloor()]).toEqual([10, 13, 13]);
  });

  it('notes the revisions that are not there', () => {
    const { gaps, lastMs } = audit([entry(2, 'x'), entry(3, 'y'), entry(9, 'z')]);
    expect(gaps).toEqual([{ from: 4, to: 8, afterMs: 0 }]);
    expect(lastMs).toBe(0);
  });

  it('keeps the last entry of each subject', () => {
    const { latest } = audit([
      entry(1, 'x'),
      entry(2, 'x', on(1)),
      entry(3, 'y'),
      entry(4, 'y', { ...on(3), verb: 'delete' }),
    ]);
    const hash = canonicalHash(testEvent({ key: testKey('x') }).object);
    expect([...latest.values()]).toEqual([
      { revision: 2, key: testKey('x'), isObject: true, apiVersion: 'v1', hash },
      { revision: 4, key: testKey('y'), isObject: false, apiVersion: 'v1' },
    ]);
  });
});

describe('the canonical hash', () => {
  const hash = (text: string) => canonicalHash(Buffer.from(text));

  it('is of the content alone', () => {
    const one = hash('{"metadata":{"name":"x"},"a":1,"b":9007199254740993}');
    expect(one).toMatch(/^[0-9a-f]{32}$/);
    expect(hash('{"b":9007199254740993,"a":1,"metadata":{"resourceVersion":"7","name":"x"}}')).toBe(one);
    expect(hash('{"metadata":{"name":"x"},"a":1,"b":9007199254740992}')).not.toBe(one);
    expect(hash('{"metadata":{"name":"y"},"a":1,"b":9007199254740993}')).not.toBe(one);
  });

  it.each(['[]', 'null', '"x"', '{', ''])('is not of %j', (text) => {
    expect(hash(text)).toBeUndefined();
  });
});
