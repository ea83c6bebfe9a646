import { crc32 } from 'node:zlib';
import { toRevision } from '@periplus/api/meta';
import fc from 'fast-check';
import {
  checksumOf,
  type DecodedEvent,
  decodeObjectEvent,
  encodeObjectEvent,
  objectRangeOf,
  relocateEntry,
  viewObjectEvent,
} from './envelope-codec.js';
import { completeEvent } from './event-view.js';
import { goldenEntries } from './golden/format-1.js';
import { goldenEntriesOfFormat2 } from './golden/format-2.js';
import { emptyKey, type ObjectEvent } from './object-event.js';
import { testEvent, testKey, testSystemEvent } from './testing.js';

function decoded(payload: Uint8Array): ObjectEvent {
  const result = decodeObjectEvent(payload);
  if (result.outcome === 'malformed') throw new Error(result.reason);
  return result.event;
}

function reasonOf(payload: Uint8Array): string {
  const result = decodeObjectEvent(payload);
  return result.outcome === 'malformed' ? result.reason : 'an event';
}

/** As it was written before the whole had a checksum. */
function toFormat1(payload: Uint8Array): Uint8Array {
  const older = Uint8Array.from(payload.subarray(0, -6));
  older[1] = 1;
  return older;
}

/** With the checksum that its bytes ask for. */
function withCrc(payload: Uint8Array): Uint8Array {
  const whole = Buffer.from(payload);
  whole.writeUInt32LE(crc32(whole.subarray(0, -6)), whole.length - 4);
  return whole;
}

const full: ObjectEvent = {
  ...testEvent({ key: testKey('web', 'default', 'deployments', 'apps') }),
  verb: 'create',
  actor: { user: 'alice', groups: ['dev', 'ops'], userAgent: 'kubectl/1.32', impersonator: 'root', uid: 'u1' },
  requestId: 'request',
  changeId: 'change',
  cause: { key: testKey('cause'), revision: toRevision(7) },
  transaction: { id: 'tx', index: 1, count: 3 },
  timeMicros: 1_764_000_000_123_456,
  parent: toRevision(9_007_199_254_740_991),
  seal: { algorithm: 1, keyId: 'uid', nonce: Uint8Array.of(1, 2, 3) },
  traceparent: '00-a-b-01',
  subresource: 'status',
};

const origin = { clusterId: 'old', revision: toRevision(9), timestampMs: 1_700_000_000_000 };

describe('the envelope', () => {
  it.each<[string, ObjectEvent]>([
    ['of a write with everything said', full],
    ['of a write with the least said', testEvent({ key: testKey('a') })],
    ['of a genesis', testSystemEvent({ type: 'genesis', clusterId: 'c' })],
    [
      'of a floor',
      testSystemEvent({ type: 'floor', revision: toRevision(12), scope: 'core.pods', timeMs: 1_700_000_000_123 }),
    ],
    ['of a fence', testSystemEvent({ type: 'fence', holder: 'h', election: 'e' })],
    [
      'of a fence that names others',
      testSystemEvent({
        type: 'fence',
        holder: 'h',
        election: 'e',
        elsewhere: { leases: toRevision(3), events: toRevision(4) },
      }),
    ],
    ['of a barrier', testSystemEvent({ type: 'barrier' })],
    ['of a restore', testSystemEvent({ type: 'restore', clusterId: 'c', revision: toRevision(7), timeMs: 1 })],
    ['of a restored write', { ...full, restored: origin }],
  ])('is read as it was written: %s', (_name, event) => {
    const read = decoded(encodeObjectEvent(event));
    expect({ ...read, object: Buffer.from(read.object), seal: undefined }).toEqual({
      ...event,
      object: Buffer.from(event.object),
      seal: undefined,
    });
    expect(read.seal && Buffer.from(read.seal.nonce)).toEqual(event.seal && Buffer.from(event.seal.nonce));
  });

  it('keeps fields that this version does not know', () => {
    // Field 1,000 with the text "later", as a newer writer would have added it.
    const unknownFields = Buffer.from([0xc2, 0x3e, 0x05, ...Buffer.from('later')]);
    const payload = encodeObjectEvent({ ...full, unknownFields });
    const read = decoded(payload);
    expect(Buffer.from(read.unknownFields!)).toEqual(unknownFields);
    expect(Buffer.from(encodeObjectEvent(read))).toEqual(Buffer.from(payload));
  });

  it('takes another place, and keeps all else as it is', () => {
    const unknown = Buffer.from([0xc2, 0x3e, 0x05, ...Buffer.from('later')]);
    const payload = encodeObjectEvent({ ...full, unknownFields: unknown });
    const place = { parent: toRevision(20), causeRevision: toRevision(21), restored: origin };
    const moved = decoded(relocateEntry(payload, { ...place, transaction: { id: 'tx', index: 0, count: 2 } }));
    const { cause, ...rest } = decoded(payload);
    expect(moved).toEqual({
      ...rest,
      parent: 20,
      cause: { ...cause, revision: 21 },
      transaction: { id: 'tx', index: 0, count: 2 },
      restored: origin,
    });
    expect(decoded(relocateEntry(encodeObjectEvent(testEvent({ key: testKey('a') })), place)).cause).toBeUndefined();
  });

  it('says where the object is', () => {
    const payload = encodeObjectEvent(full);
    const { start, end } = objectRangeOf(payload)!;
    expect(Buffer.from(payload.subarray(start, end))).toEqual(Buffer.from(full.object));
    expect(objectRangeOf(encodeObjectEvent(testSystemEvent({ type: 'barrier' })))).toBeUndefined();
  });

  it('is refused when a bit of the object has flipped, also without a checksum of the whole', () => {
    const payload = toFormat1(encodeObjectEvent(full));
    payload[objectRangeOf(payload)!.start + 3]! ^= 1;
    expect(reasonOf(payload)).toBe('the checksum does not match');
  });

  it('is refused whichever bit has flipped', () => {
    const payload = encodeObjectEvent(full);
    const accepted: number[] = [];
    for (let bit = 0; bit < payload.length * 8; bit++) {
      const flipped = Uint8Array.from(payload);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      if (decodeObjectEvent(flipped).outcome === 'event') accepted.push(bit);
    }
    expect(accepted).toEqual([]);
  });

  it('is refused with anything behind its checksum', () => {
    expect(reasonOf(Buffer.concat([encodeObjectEvent(full), Buffer.from([0xc2, 0x3e, 0x00])]))).toBe(
      'the checksum of the envelope does not match',
    );
  });

  it.each<[string, Uint8Array, string]>([
    ['an unknown format', Buffer.from([0x08, 0x03]), 'format 3 is unknown'],
    ['nothing behind its format', Buffer.from([0x08, 0x02]), 'the checksum of the envelope does not match'],
    ['no verb', withCrc(Buffer.from([0x08, 0x02, 0xf5, 0x01, 0, 0, 0, 0])), 'verb 0 is unknown'],
    ['no key', encodeObjectEvent({ ...full, key: emptyKey }), 'key is missing'],
    ['no object', encodeObjectEvent({ ...full, object: new Uint8Array() }), 'the object is missing'],
    [
      'a transaction that ends before it begins',
      encodeObjectEvent({ ...full, transaction: { id: 't', index: 3, count: 3 } }),
      'transaction 3 of 3 cannot be',
    ],
    [
      'a transaction larger than any batch',
      encodeObjectEvent({ ...full, transaction: { id: 't', index: 0, count: 1_001 } }),
      'transaction 0 of 1001 cannot be',
    ],
    ['a negative time', encodeObjectEvent({ ...full, timeMicros: -1 }), 'time is out of range'],
    [
      'a system entry of no kind',
      encodeObjectEvent({ ...full, verb: 'system', object: new Uint8Array() }),
      'the system entry is of no known kind',
    ],
  ])('is refused with %s', (_name, payload, reason) => {
    expect(reasonOf(payload)).toBe(reason);
  });

  it('is an event or says why not, whatever the bytes are', () => {
    const good = encodeObjectEvent(full);
    const cut = fc.tuple(fc.nat(good.length), fc.nat(255), fc.nat(good.length - 1)).map(([length, byte, at]) => {
      const bytes = Uint8Array.from(good);
      bytes[at] = byte;
      return bytes.subarray(0, length);
    });
    fc.assert(
      fc.property(fc.oneof(cut, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        const result = decodeObjectEvent(bytes);
        if (result.outcome === 'malformed') expect(result.reason).not.toBe('');
        else expect(checksumOf(result.event.object)).toHaveLength(16);
      }),
      { numRuns: 1_000 },
    );
  });

  describe('read as it is asked', () => {
    const { transaction: _transaction, seal: _seal, ...rest } = full;
    const ordinary: ObjectEvent = rest;
    /** What one says of bytes, in a form to compare. */
    const said = ({ outcome, ...result }: DecodedEvent): unknown =>
      JSON.stringify({ outcome, ...('event' in result ? completeEvent(result.event) : result) });

    it.each<[string, ObjectEvent]>([
      ['with everything said', ordinary],
      ['with the least said', testEvent({ key: testKey('a') })],
      ['sealed', full],
      ['of a system entry', testSystemEvent({ type: 'barrier' })],
    ])('says of a write %s what the full decoder says', (_name, event) => {
      const payload = encodeObjectEvent(event);
      const viewed = viewObjectEvent(payload);
      if (viewed.outcome === 'malformed') throw new Error(viewed.reason);
      const { event: view } = viewed;
      const all = decoded(payload);
      const fields = Object.keys({ ...full, ...all }) as (keyof ObjectEvent)[];
      for (const field of fields) expect([field, view[field]]).toEqual([field, all[field]]);
      expect(completeEvent(view)).toEqual(all);
    });

    it('says the same as the full decoder of whatever bytes there are', () => {
      const good = encodeObjectEvent(ordinary);
      const changes = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 });
      const changed = changes.map((all) => {
        const bytes = Uint8Array.from(good);
        for (const [at, byte] of all) bytes[at] = byte;
        return withCrc(bytes);
      });
      fc.assert(
        fc.property(changed, (bytes) => {
          expect(said(viewObjectEvent(bytes))).toBe(said(decodeObjectEvent(bytes)));
        }),
        { numRuns: 3_000 },
      );
    });
  });

  // These bytes are in logs for ever: an entry may be added here, none may change.
  it.each([
    ...goldenEntries.map((golden) => ({ ...golden, format: 1 })),
    ...goldenEntriesOfFormat2.map((golden) => ({ ...golden, format: 2 })),
  ])('of format $format is read for ever: $name', ({ base64, event }) => {
    const { object, seal, ...said } = decoded(Buffer.from(base64, 'base64'));
    expect({
      ...said,
      object: Buffer.from(object).toString('base64'),
      ...(seal ? { seal: { ...seal, nonce: Buffer.from(seal.nonce).toString('base64') } } : {}),
    }).toEqual(event);
  });
});
