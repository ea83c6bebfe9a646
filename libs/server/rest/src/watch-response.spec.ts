import { EventEmitter } from 'node:events';
import { builtinSchema, findKind } from '@periplus/api/kinds';
import { toRevision } from '@periplus/api/meta';
import { createVirtualTime } from '@periplus/base/clock';
import type { ServedEvent } from '@periplus/server/requests';
import type { WatchEncoder } from './watch-encoder.js';
import { createWatchSink, type OutgoingResponse } from './watch-response.js';

const kind = findKind(builtinSchema, '', 'v1', 'ConfigMap')!;
const event = (revision: number): ServedEvent => ({
  type: 'BOOKMARK',
  kind,
  revision: toRevision(revision),
  initialEventsEnd: false,
});
const bufferBytesMax = 100;

/** Every event is ten bytes. */
const encoder: WatchEncoder = {
  contentType: '',
  encode: (one) => Buffer.from(String('revision' in one ? one.revision : 0).padStart(10, '.')),
};

function setUp() {
  const time = createVirtualTime(0);
  const writes: string[] = [];
  const response = Object.assign(new EventEmitter(), {
    writableLength: 0,
    isEnded: false,
    destroyed: false,
    write(chunk: Uint8Array) {
      writes.push(Buffer.from(chunk).toString());
      return true;
    },
    end: () => void (response.isEnded = true),
    destroy: () => void (response.destroyed = true),
  });
  const sink = createWatchSink(response as unknown as OutgoingResponse, encoder, time, bufferBytesMax);
  return { time, writes, response, sink };
}

describe('a watch as a response', () => {
  it('goes out at once after a pause, and together where much comes in one moment', () => {
    const { time, writes, sink } = setUp();
    sink.onEvents([event(1)]);
    sink.onEvents([event(2)]);
    sink.onEvents([event(3)]);
    expect(writes).toEqual(['.........1']);
    time.advance(8);
    expect(writes).toEqual(['.........1', '.........2.........3']);
    time.advance(8);
    sink.onEvents([event(4)]);
    expect(writes).toHaveLength(3);
  });

  it('ends after what was still to go out', () => {
    const { writes, response, sink } = setUp();
    sink.onEvents([event(1)]);
    sink.onEvents([event(2)]);
    sink.onEnd();
    expect(writes.join('')).toBe('.........1.........2');
    expect(response.isEnded).toBe(true);
  });

  it('cuts the connection of a reader that is too far behind, and writes nothing more', () => {
    const { time, writes, response, sink } = setUp();
    sink.onEvents([event(1)]);
    response.writableLength = bufferBytesMax + 11;
    expect(sink.onEvents([event(2)])).toBe('slow');
    expect(response.destroyed).toBe(true);
    sink.onEnd();
    time.advance(1_000);
    expect(writes).toHaveLength(1);
    expect(response.isEnded).toBe(false);
  });

  it('does not hold the first events against a reader, however many there are', () => {
    const { response, sink } = setUp();
    expect(sink.onEvents(Array.from({ length: 1_000 }, (_, index) => event(index)))).toBe('ok');
    response.writableLength = 10_000;
    expect(sink.onEvents([event(1_001)])).toBe('ok');
    response.writableLength = 10_000 + bufferBytesMax + 1;
    expect(sink.onEvents([event(1_002)])).toBe('slow');
  });

  it('does not wait for ever for the end to be read', () => {
    const { time, response, sink } = setUp();
    sink.onEvents([event(1)]);
    sink.onEnd();
    time.advance(9_999);
    expect(response.destroyed).toBe(false);
    time.advance(1);
    expect(response.destroyed).toBe(true);
  });

  it('lets an end that has been read rest', () => {
    const { time, response, sink } = setUp();
    sink.onEnd();
    response.emit('close');
    time.advance(60_000);
    expect(response.destroyed).toBe(false);
  });
});
