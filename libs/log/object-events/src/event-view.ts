/**
 * An event that reads its envelope no further than it is asked: of most entries nobody ever asks more than what and where,
 * and a cache that keeps a hundred thousand of them keeps the bytes alone.
 *
 * One pass tells whether the bytes have the layout that `encodeObjectEvent` gives an ordinary write: known fields, in
 * ascending order. Any other layout, and what is rare (sealed objects, system entries), is left to the full decoder.
 */
import { type ObjectKey, type Revision, toRevision } from '@periplus/api/meta';
import type { Actor, Cause, EventMetadata, ObjectEvent, Transaction, Verb } from './object-event.js';

/** What is asked of every entry; ranges are offsets in the payload. */
interface EventHead {
  readonly verb: Verb;
  readonly key: ObjectKey;
  readonly requestId: string;
  readonly parent: Revision;
  readonly objectStart: number;
  readonly objectEnd: number;
}

type DecodeAll = (payload: Uint8Array) => ObjectEvent;

class EventView implements ObjectEvent {
  readonly verb: Verb;
  readonly key: ObjectKey;
  readonly requestId: string;
  readonly parent: Revision;
  readonly #payload: Uint8Array;
  readonly #objectStart: number;
  readonly #objectEnd: number;
  readonly #decodeAll: DecodeAll;

  constructor(payload: Uint8Array, head: EventHead, decodeAll: DecodeAll) {
    this.verb = head.verb;
    this.key = head.key;
    this.requestId = head.requestId;
    this.parent = head.parent;
    this.#payload = payload;
    this.#objectStart = head.objectStart;
    this.#objectEnd = head.objectEnd;
    this.#decodeAll = decodeAll;
  }

  /** All there is, as an ordinary object. */
  complete(): ObjectEvent {
    return this.#decodeAll(this.#payload);
  }

  get object(): Uint8Array {
    return this.#payload.subarray(this.#objectStart, this.#objectEnd);
  }
  get uid(): string {
    return this.complete().uid;
  }
  get actor(): Actor {
    return this.complete().actor;
  }
  get changeId(): string {
    return this.complete().changeId;
  }
  get cause(): Cause | undefined {
    return this.complete().cause;
  }
  /** Entries of transactions, and restored ones, have another layout. */
  get transaction(): Transaction | undefined {
    return undefined;
  }
  get timeMicros(): number {
    return this.complete().timeMicros;
  }
  get apiVersion(): string {
    return this.complete().apiVersion;
  }
  get kind(): string {
    return this.complete().kind;
  }
  get traceparent(): string | undefined {
    return this.complete().traceparent;
  }
  get subresource(): string | undefined {
    return this.complete().subresource;
  }
}

/** The event as an ordinary object with all of its fields: for those who copy it, or ask it for most of them. */
export function completeEvent(event: ObjectEvent): ObjectEvent {
  return event instanceof EventView ? event.complete() : event;
}

/** The metadata of an event, without a reference to its object bytes. */
export function metadataOf(event: EventMetadata): EventMetadata {
  const complete: Partial<ObjectEvent> & EventMetadata = event instanceof EventView ? event.complete() : event;
  const { object: _object, seal: _seal, unknownFields: _unknownFields, ...metadata } = complete;
  return metadata;
}

/** Tags of the envelope's fields: number and wire type. */
const formatTag = 0x08;
const verbTag = 0x10;
const keyTag = 0x1a;
const actorTag = 0x2a;
const requestIdTag = 0x32;
const causeTag = 0x42;
const timeTag = 0x50;
const parentTag = 0x60;
const objectTag = 0x7a;
/** uid, change id, checksum, apiVersion, kind, traceparent, subresource: texts and bytes that are passed over. */
const passedTags: ReadonlySet<number> = new Set([0x22, 0x3a, 0x5a, 0x6a, 0x72, 0x8a, 0x92]);
const causeKeyTag = 0x0a;
const causeRevisionTag = 0x10;
const lengthWireType = 2;

const verbs: readonly (Verb | undefined)[] = [undefined, 'create', 'update', 'delete'];

/** The bytes have another layout than the ordinary one: thrown inside this file only. */
const otherLayout = new Error('not the ordinary layout');

/** Reads along one payload and throws `otherLayout` for all that is not ordinary. */
class LayoutReader {
  at = 0;
  constructor(
    private readonly bytes: Buffer,
    private end: number,
  ) {}

  get isAtEnd(): boolean {
    return this.at >= this.end;
  }

  /** At most 2⁵³ - 1. */
  varint(): number {
    let value = 0;
    for (let scale = 1; this.at < this.end && scale < 2 ** 56; scale *= 128) {
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
      if (byte >= 0x80) continue;
      if (value > Number.MAX_SAFE_INTEGER) break;
      return value;
    }
    throw otherLayout;
  }

  /** Passes a length and what it announces; gives where that begins. */
  pass(): number {
    const length = this.varint();
    if (length > this.end - this.at) throw otherLayout;
    this.at += length;
    return this.at - length;
  }

  text(): string {
    const start = this.pass();
    return this.bytes.toString('utf8', start, this.at);
  }

  /** A message inside: `read` must end where it does. */
  message(read: () => void): void {
    const start = this.pass();
    const [outer, inner] = [this.end, this.at];
    this.at = start;
    this.end = inner;
    while (!this.isAtEnd) read();
    this.end = outer;
  }

  key(): ObjectKey {
    const texts = ['', '', '', ''];
    let last = 0;
    this.message(() => {
      const tag = this.varint();
      if (tag <= last || (tag & 7) !== lengthWireType || tag >> 3 > texts.length) throw otherLayout;
      last = tag;
      texts[(tag >> 3) - 1] = this.text();
    });
    const [group, resource, namespace, name] = texts as [string, string, string, string];
    if (resource === '' || name === '') throw otherLayout;
    return { group, resource, namespace, name };
  }

  /** All of its fields are texts. */
  passActor(): void {
    this.message(() => {
      const tag = this.varint();
      if ((tag & 7) !== lengthWireType || tag >> 3 > 5) throw otherLayout;
      this.pass();
    });
  }

  /** Whether it names an object. */
  passCause(): boolean {
    let last = 0;
    let hasKey = false;
    this.message(() => {
      const tag = this.varint();
      if (tag <= last || (tag !== causeKeyTag && tag !== causeRevisionTag)) throw otherLayout;
      last = tag;
      if (tag === causeRevisionTag) this.varint();
      else hasKey = this.key().name !== '';
    });
    return hasKey;
  }
}

function readHead(reader: LayoutReader, format: number): EventHead {
  let verb: Verb | undefined;
  let key: ObjectKey | undefined;
  let hasCauseKey = true;
  const head = { requestId: '', parent: 0, objectStart: 0, objectEnd: 0 };
  for (let last = 0; !reader.isAtEnd; ) {
    const tag = reader.varint();
    if (tag <= last) throw otherLayout;
    last = tag;
    switch (tag) {
      case formatTag:
        if (reader.varint() !== format) throw otherLayout;
        break;
      case verbTag:
        verb = verbs[reader.varint()];
        break;
      case keyTag:
        key = reader.key();
        break;
      case actorTag:
        reader.passActor();
        break;
      case requestIdTag:
        head.requestId = reader.text();
        break;
      case causeTag:
        hasCauseKey = reader.passCause();
        break;
      case timeTag:
        reader.varint();
        break;
      case parentTag:
        head.parent = reader.varint();
        break;
      case objectTag:
        head.objectStart = reader.pass();
        head.objectEnd = reader.at;
        break;
      default:
        if (!passedTags.has(tag)) throw otherLayout;
        reader.pass();
    }
  }
  if (verb === undefined || key === undefined || !hasCauseKey || head.objectStart === head.objectEnd) throw otherLayout;
  return { ...head, verb, key, parent: toRevision(head.parent) };
}

/**
 * The view on an envelope of this format that has the ordinary layout between its start and `end`, its checksum looked at
 * before; undefined for any other.
 */
export function viewOrdinaryEvent(
  payload: Uint8Array,
  end: number,
  format: number,
  decodeAll: DecodeAll,
): ObjectEvent | undefined {
  const bytes = Buffer.isBuffer(payload)
    ? payload
    : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  try {
    return new EventView(payload, readHead(new LayoutReader(bytes, end), format), decodeAll);
  } catch (error) {
    if (error !== otherLayout) throw error;
    return undefined;
  }
}
