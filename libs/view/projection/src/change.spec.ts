import { type Revision, toRevision } from '@periplus/api/meta';
import type { LogEntry, StreamName } from '@periplus/log/event-log';
import { encodeObjectEvent, genesisSubject, type ObjectEvent, subjectOf } from '@periplus/log/object-events';
import { testEvent, testKey, testSystemEvent } from '@periplus/log/object-events/testing';
import { toChange } from './change.js';
import { readObjectJson, spliceRevision } from './object-json.js';

const key = testKey('a');
const entry = (more: Partial<LogEntry> = {}): LogEntry => ({
  stream: 'objects',
  revision: toRevision(5),
  subject: subjectOf(key),
  payload: encodeObjectEvent(testEvent({ key })),
  timestampMs: 1,
  ...more,
});
const withObject = (object: string, more: Partial<ObjectEvent> = {}): LogEntry =>
  entry({ payload: encodeObjectEvent({ ...testEvent({ key }), object: Buffer.from(object), ...more }) });
const genesis = encodeObjectEvent(testSystemEvent({ type: 'genesis', clusterId: 'c' }));

describe('the change that an entry makes', () => {
  it.each<[string, LogEntry, string]>([
    ['a create', withObject('{"metadata":{}}', { verb: 'create' }), 'put'],
    ['an update', entry(), 'put'],
    ['a tombstone', withObject('{"metadata":{}}', { verb: 'delete' }), 'delete'],
    [
      'a sealed object, whatever its bytes',
      withObject('\u0001', { seal: { algorithm: 1, keyId: 'k', nonce: new Uint8Array(12) } }),
      'put',
    ],
    ['a marker', entry({ marker: 'expired', payload: new Uint8Array() }), 'expired'],
    ['a genesis', entry({ subject: genesisSubject('objects'), payload: genesis }), 'system'],
  ])('is, of %s', (_name, of, type) => {
    expect(toChange(of)).toMatchObject({ type, revision: 5, stream: 'objects' });
  });

  it('has the time of the append, and when it was restored that of the first one', () => {
    const restored = { clusterId: 'old', revision: toRevision(3), timestampMs: 500 };
    const of = withObject('{"metadata":{}}', { restored });
    expect(toChange(entry({ timestampMs: 900 })).timestampMs).toBe(900);
    expect(toChange({ ...of, timestampMs: 900 })).toMatchObject({ type: 'put', revision: 5, timestampMs: 500 });
  });

  it.each<[string, LogEntry, RegExp | string]>([
    ['bytes that are no envelope', entry({ payload: Buffer.from('nonsense') }), /./],
    ['JSON that is cut', withObject('{"metadata":{'), /no JSON: unexpected end/],
    [
      'an object nested too deep',
      withObject(`{"metadata":{},"x":${'['.repeat(5_000)}${']'.repeat(5_000)}}`),
      /no JSON: exceeded max depth/,
    ],
    [
      'bytes that are no UTF-8',
      entry({ payload: encodeObjectEvent({ ...testEvent({ key }), object: Uint8Array.of(0x22, 0xff, 0x22) }) }),
      /UTF-8/,
    ],
    ['a list', withObject('[]'), 'the object is no JSON object'],
    ['no metadata', withObject('{"spec":{"metadata":{}}}'), 'the object has no metadata'],
    ['metadata that is no object', withObject('{"metadata":[{}]}'), 'the object has no metadata'],
    ['another key than the subject', entry({ subject: subjectOf(testKey('b')) }), 'the key is not that of the subject'],
    ['a subject of another stream', entry({ stream: 'events' as StreamName }), 'the key is not that of the subject'],
    [
      'an object on a system subject',
      entry({ subject: genesisSubject('objects') }),
      'the key is not that of the subject',
    ],
    ['a system entry on an object subject', entry({ payload: genesis }), 'a system entry on an object subject'],
    [
      'a system entry of another stream',
      entry({ subject: genesisSubject('leases'), payload: genesis }),
      'a system entry on an object subject',
    ],
    ['a marker on no object', entry({ subject: 'objects.x', marker: 'expired' }), 'the marker is on no object'],
  ])('is none, of poison: %s', (_name, of, reason) => {
    const change = toChange(of);
    expect(change).toMatchObject({ type: 'quarantined', revision: 5 });
    if (change.type === 'quarantined') expect(change.reason).toMatch(reason);
    expect(toChange(of)).toEqual(change);
  });
});

describe('the splice of a resourceVersion', () => {
  const at = (revision: number): Revision => toRevision(revision);

  it.each([
    [
      'canonical JSON',
      '{"apiVersion":"v1","metadata":{"name":"a"}}',
      '{"apiVersion":"v1","metadata":{"resourceVersion":"7","name":"a"}}',
    ],
    ['empty metadata', '{"metadata":{}}', '{"metadata":{"resourceVersion":"7"}}'],
    ['spaces', '{ "metadata" : { } }', '{ "metadata" : {"resourceVersion":"7" } }'],
    [
      'the word in other places',
      '{"a":"\\"metadata\\":{","b":["metadata",{"metadata":{"x":1}}],"metadata":{"y":{}}}',
      '{"a":"\\"metadata\\":{","b":["metadata",{"metadata":{"x":1}}],"metadata":{"resourceVersion":"7","y":{}}}',
    ],
    [
      'the word as a value',
      '{"kind":"metadata","metadata":{"n":1}}',
      '{"kind":"metadata","metadata":{"resourceVersion":"7","n":1}}',
    ],
    [
      'the word twice',
      '{"metadata":{"a":1},"metadata":{"b":1}}',
      '{"metadata":{"a":1},"metadata":{"resourceVersion":"7","b":1}}',
    ],
  ])('finds the place in %s', (_name, json, spliced) => {
    const read = readObjectJson(Buffer.from(json));
    if (read.outcome !== 'object') throw new Error(read.reason);
    const bytes = spliceRevision(Buffer.from(json), read.spliceAt, at(7));
    expect(Buffer.from(bytes).toString()).toBe(spliced);
  });
});
