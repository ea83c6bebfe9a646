/** Answers in Kubernetes' protobuf: an object's bytes are made once, then shared by every list and watch it is in. */
import { findKind, type KindSchema, type SchemaTable } from '@periplus/api/kinds';
import { formatApiVersion, internalError, type Status } from '@periplus/api/meta';
import {
  createPackedList,
  encodeProtobufMessage,
  encodeProtobufWatchEvent,
  envelopeProtobuf,
  hasProtobuf,
  joinProtobufList,
  parseJson,
  protobufListHead,
  protobufListTail,
} from '@periplus/api/schema';
import type { ListResult, ServedEvent, ServedObject } from '@periplus/server/requests';
import { pause } from './answer-body.js';

/** Undefined where a kind has no protobuf form; the door answers with JSON then, as every client accepts. */
export interface ProtobufAnswers {
  object(served: ServedObject): Uint8Array | undefined;
  list(list: ListResult): Uint8Array | undefined;
  /** The same for a long list, made while it is read; nothing of it is kept. */
  listInParts(list: ListResult): Iterable<Uint8Array> | undefined;
  status(status: Status): Uint8Array;
  /** A length-prefixed WatchEvent. */
  watchFrame(event: ServedEvent): Uint8Array;
}

const statusMessage = 'meta.k8s.io/v1.Status';
const listMetaMessage = 'meta.k8s.io/v1.ListMeta';
const itemsPerPause = 16;

/** Four bytes of length, big end first. */
function frame(bytes: Uint8Array): Uint8Array {
  const framed = Buffer.allocUnsafeSlow(4 + bytes.length);
  framed.writeUInt32BE(bytes.length, 0);
  framed.set(bytes, 4);
  return framed;
}

/** Its object for this one use: to keep so many parsed would push out those that are asked often. */
function parsedOnce(item: ServedObject): object {
  const parsed = parseJson(item.json());
  if (!parsed.ok) throw internalError(`an object could not be read: ${parsed.error}`);
  return parsed.value as object;
}

export function createProtobufAnswers(table: SchemaTable): ProtobufAnswers {
  const raw = (served: ServedObject): Uint8Array =>
    served.derive('protobuf-raw', (one) => encodeProtobufMessage(table, one.kind.message, one.object()));
  const enveloped = (kind: KindSchema, bytes: Uint8Array): Uint8Array =>
    envelopeProtobuf({ apiVersion: formatApiVersion(kind), kind: kind.kind, raw: bytes });
  const whole = (served: ServedObject): Uint8Array => served.derive('protobuf', (one) => enveloped(one.kind, raw(one)));
  const status = (value: Status): Uint8Array =>
    envelopeProtobuf({ apiVersion: 'v1', kind: 'Status', raw: encodeProtobufMessage(table, statusMessage, value) });

  function bookmark(event: Extract<ServedEvent, { type: 'BOOKMARK' }>): Uint8Array {
    const annotations = event.initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
    const object = { metadata: { resourceVersion: String(event.revision), ...annotations } };
    return enveloped(event.kind, encodeProtobufMessage(table, event.kind.message, object));
  }

  const isEncodable = ({ kind }: ListResult): boolean =>
    hasProtobuf(table, kind.message) && findKind(table, kind.group, kind.version, kind.kind) !== undefined;
  const metadataOf = (list: ListResult): Uint8Array =>
    encodeProtobufMessage(table, listMetaMessage, {
      resourceVersion: list.resourceVersion,
      ...(list.continue === undefined ? {} : { continue: list.continue }),
      ...(list.remainingItemCount === undefined ? {} : { remainingItemCount: list.remainingItemCount }),
    });

  /** The length of the whole stands before it: all is encoded before the first part can be given. */
  function* parts(list: ListResult): Generator<Uint8Array> {
    const items = createPackedList();
    for (const [index, item] of list.items.entries()) {
      items.add(encodeProtobufMessage(table, item.kind.message, parsedOnce(item)));
      if (index % itemsPerPause === 0) yield pause;
    }
    const apiVersion = formatApiVersion(list.kind);
    yield protobufListHead({ apiVersion, kind: list.kind.listKind }, metadataOf(list), items.size());
    yield* items.parts();
    yield protobufListTail;
  }

  return {
    object: (served) => (hasProtobuf(table, served.kind.message) ? whole(served) : undefined),
    list(list) {
      if (!isEncodable(list)) return undefined;
      return envelopeProtobuf({
        apiVersion: formatApiVersion(list.kind),
        kind: list.kind.listKind,
        raw: joinProtobufList(metadataOf(list), list.items.map(raw)),
      });
    },
    listInParts: (list) => (isEncodable(list) ? parts(list) : undefined),
    status,
    watchFrame(event) {
      switch (event.type) {
        case 'BOOKMARK':
          return frame(encodeProtobufWatchEvent('BOOKMARK', bookmark(event)));
        case 'ERROR':
          return frame(encodeProtobufWatchEvent('ERROR', status(event.status)));
        default:
          return event.object.derive(`protobuf-frame:${event.type}`, (served) =>
            frame(encodeProtobufWatchEvent(event.type, whole(served))),
          );
      }
    },
  };
}
