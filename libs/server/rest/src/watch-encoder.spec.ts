import { builtinSchema, findKind } from '@periplus/api/kinds';
import { expired, type KubeObject, toRevision } from '@periplus/api/meta';
import type { ServedEvent, ServedObject } from '@periplus/server/requests';
import type { AcceptedForm } from './negotiation.js';
import type { ProtobufAnswers } from './protobuf-answers.js';
import { createWatchEncoder, type WatchEncoder } from './watch-encoder.js';

const kind = findKind(builtinSchema, '', 'v1', 'ConfigMap')!;

/** Remembers what was made of it, as the cache does. */
function createServed(): ServedObject & { readonly made: string[] } {
  const object: KubeObject = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a', resourceVersion: '7' } };
  const derived = new Map<string, unknown>();
  const made: string[] = [];
  const served: ServedObject & { readonly made: string[] } = {
    kind,
    made,
    revision: toRevision(7),
    object: () => object,
    json: () => Buffer.from(JSON.stringify(object)),
    derive<T>(key: string, make: (one: ServedObject) => T): T {
      if (!derived.has(key)) {
        made.push(key);
        derived.set(key, make(served));
      }
      return derived.get(key) as T;
    },
  };
  return served;
}

const bookmark = (initialEventsEnd: boolean): ServedEvent => ({
  type: 'BOOKMARK',
  kind,
  revision: toRevision(9),
  initialEventsEnd,
});
const failure: ServedEvent = { type: 'ERROR', status: expired('too old').status };

const protobuf: ProtobufAnswers = {
  object: () => undefined,
  list: () => undefined,
  listInParts: () => undefined,
  status: () => new Uint8Array(),
  watchFrame: (event) => Buffer.from(`frame:${event.type}`),
};
const encoderOf = (as: AcceptedForm['as'], encoding: AcceptedForm['encoding'] = 'json'): WatchEncoder =>
  createWatchEncoder({ as, encoding, version: 'v1' }, { includeObject: 'Metadata', protobuf }, () => 0);
const linesOf = (encoder: WatchEncoder, ...events: ServedEvent[]) =>
  events.map((event) => {
    const text = Buffer.from(encoder.encode(event)).toString();
    expect(text.indexOf('\n')).toBe(text.length - 1);
    return JSON.parse(text) as { type: string; object: Record<string, unknown> };
  });

describe('a watch as JSON', () => {
  it('is one line an event', () => {
    const served = createServed();
    const lines = linesOf(encoderOf('object'), { type: 'ADDED', object: served }, { type: 'DELETED', object: served });
    expect(lines).toEqual([
      { type: 'ADDED', object: served.object() },
      { type: 'DELETED', object: served.object() },
    ]);
  });

  it('is encoded once an object and type, for all watchers', () => {
    const served = createServed();
    for (const encoder of [encoderOf('object'), encoderOf('object')]) {
      encoder.encode({ type: 'ADDED', object: served });
      encoder.encode({ type: 'MODIFIED', object: served });
    }
    expect(served.made).toEqual(['json-line:ADDED', 'json-line:MODIFIED']);
  });

  it.each([
    [false, { resourceVersion: '9' }],
    [true, { resourceVersion: '9', annotations: { 'k8s.io/initial-events-end': 'true' } }],
  ])('has bookmarks with nothing but their position (the initial events are over: %s)', (isEnd, metadata) => {
    expect(linesOf(encoderOf('object'), bookmark(isEnd))).toEqual([
      { type: 'BOOKMARK', object: { kind: 'ConfigMap', apiVersion: 'v1', metadata } },
    ]);
  });

  it.each(['object', 'Table', 'PartialObjectMetadata'] as const)('tells of an error by a Status, as %s', (as) => {
    const [line] = linesOf(encoderOf(as), failure);
    expect(line).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } });
  });
});

describe('a watch as Tables', () => {
  it('has the columns in its first event alone', () => {
    const event: ServedEvent = { type: 'ADDED', object: createServed() };
    const [first, second] = linesOf(encoderOf('Table'), event, event);
    expect(first!.object['columnDefinitions']).toHaveLength(3);
    expect(second!.object['columnDefinitions'] ?? []).toHaveLength(0);
    expect(second!.object['rows']).toHaveLength(1);
  });

  it('has bookmarks that say when the initial events are over', () => {
    const [over, later] = linesOf(encoderOf('Table'), bookmark(true), bookmark(false));
    expect(over!.object).toMatchObject({
      metadata: { resourceVersion: '9' },
      rows: [{ object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } }],
    });
    expect(later!.object['rows']).toEqual([]);
  });
});

it('a watch of metadata has nothing else', () => {
  const encoder = encoderOf('PartialObjectMetadata');
  const lines = linesOf(encoder, { type: 'ADDED', object: createServed() }, bookmark(false));
  expect(lines.map(({ object }) => [object['kind'], Object.keys(object)])).toEqual([
    ['PartialObjectMetadata', ['apiVersion', 'kind', 'metadata']],
    ['PartialObjectMetadata', ['apiVersion', 'kind', 'metadata']],
  ]);
});

it('a watch as protobuf is framed by whoever knows protobuf', () => {
  const encoder = encoderOf('object', 'protobuf');
  expect(encoder.contentType).toBe('application/vnd.kubernetes.protobuf;stream=watch');
  expect(Buffer.from(encoder.encode(bookmark(false))).toString()).toBe('frame:BOOKMARK');
});
