import { builtinSchema, findKind } from '@periplus/api/kinds';
import { type KubeObject, toRevision } from '@periplus/api/meta';
import { EventType, type WatchResponse } from '@periplus/api/wire';
import { createVirtualTime } from '@periplus/base/clock';
import type { ServedEvent, ServedObject } from '@periplus/server/requests';
import { createWatchCallSink } from './watch-call.js';

const kind = findKind(builtinSchema, '', 'v1', 'ConfigMap')!;

function added(revision: number, bytes = 0): ServedEvent {
  const object: KubeObject = { metadata: { name: `c${revision}`, annotations: { a: 'x'.repeat(bytes) } } };
  const served: ServedObject = {
    kind,
    revision: toRevision(revision),
    object: () => object,
    json: () => Buffer.from(JSON.stringify(object)),
    derive: (_key, make) => make(served),
  };
  return { type: 'ADDED', object: served };
}
const many = (count: number, from = 1): ServedEvent[] => Array.from({ length: count }, (_, n) => added(from + n));

function setUp() {
  const time = createVirtualTime(0);
  const written: WatchResponse[] = [];
  let isEnded = false;
  let takes = Number.POSITIVE_INFINITY;
  let drain: (() => void) | undefined;
  const call = {
    write(response: WatchResponse) {
      written.push(response);
      takes -= 1;
      return takes > 0;
    },
    end() {
      isEnded = true;
    },
    once(_event: string, listener: () => void) {
      drain = listener;
      return call;
    },
  };
  const sink = createWatchCallSink(call as unknown as Parameters<typeof createWatchCallSink>[0], time);
  return {
    time,
    sink,
    written,
    revisions: () => written.flatMap(({ events }) => events.map((event) => Number(event.object?.revision))),
    isEnded: () => isEnded,
    takeOnly(count: number) {
      takes = count;
    },
    drained() {
      takes = Number.POSITIVE_INFINITY;
      drain?.();
    },
  };
}

describe('a watch over gRPC', () => {
  it('puts what comes within ten milliseconds into one message', () => {
    const { sink, time, written } = setUp();
    sink.onEvents([added(1)]);
    time.advance(5);
    sink.onEvents([added(2)]);
    expect(written).toHaveLength(0);
    time.advance(5);
    expect(written).toHaveLength(1);
    expect(written[0]?.events.map((event) => event.type)).toEqual([
      EventType.EVENT_TYPE_ADDED,
      EventType.EVENT_TYPE_ADDED,
    ]);
  });

  it('keeps messages small, and the order', () => {
    const { sink, time, written, revisions } = setUp();
    sink.onEvents(many(1_200));
    time.advance(10);
    expect(written.map(({ events }) => events.length)).toEqual([500, 500, 200]);
    expect(revisions()).toEqual(Array.from({ length: 1_200 }, (_, n) => n + 1));
  });

  it('waits for a reader that is busy, and goes on where it stopped', () => {
    const { sink, time, takeOnly, drained, revisions } = setUp();
    takeOnly(1);
    sink.onEvents(many(600));
    time.advance(10);
    expect(revisions()).toHaveLength(500);
    sink.onEvents(many(10, 601));
    time.advance(10);
    expect(revisions()).toHaveLength(500);
    drained();
    expect(revisions()).toEqual(Array.from({ length: 610 }, (_, n) => n + 1));
  });

  it('cuts a reader that stays behind', () => {
    const { sink, time, takeOnly } = setUp();
    takeOnly(1);
    expect(sink.onEvents([added(1)])).toBe('ok');
    time.advance(10);
    expect(sink.onEvents(many(10_000, 2))).toBe('ok');
    expect(sink.onEvents(many(10, 10_002))).toBe('slow');
  });

  it('cuts a reader that stays behind by bytes, the first ones not counted', () => {
    const { sink, time, takeOnly } = setUp();
    const mebibyte = 1024 * 1024;
    const large = (count: number, from: number) => Array.from({ length: count }, (_, n) => added(from + n, mebibyte));
    takeOnly(1);
    expect(sink.onEvents(large(40, 1))).toBe('ok');
    time.advance(10);
    expect(sink.onEvents(large(30, 41))).toBe('ok');
    expect(sink.onEvents(large(5, 71))).toBe('slow');
  });

  it('sends what waits before it ends', () => {
    const { sink, revisions, isEnded } = setUp();
    sink.onEvents(many(3));
    sink.onEnd();
    expect(revisions()).toEqual([1, 2, 3]);
    expect(isEnded()).toBe(true);
  });
});
