/** Events to envelope bytes and back: the checksum is made and checked here, older formats are up-cast here. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type ObjectKey, type Revision, toRevision } from '@periplus/api/meta';
import { Envelope, Verb as WireVerb } from '@periplus/api/wire';
import { viewOrdinaryEvent } from './event-view.js';
import {
  type Actor,
  emptyKey,
  type ObjectEvent,
  type Origin,
  type SystemEntry,
  type Transaction,
  type Verb,
} from './object-event.js';

/** Either the event, or why these bytes are none. The same bytes give the same answer everywhere. */
export type DecodedEvent =
  | { readonly outcome: 'event'; readonly event: ObjectEvent }
  | { readonly outcome: 'malformed'; readonly reason: string };

/** Written by this version. */
const envelopeFormat = 2;
/** Without a CRC over the whole: only the object's bytes are sure. */
const formatWithoutCrc = 1;
const lastKnownField = 20;
const objectField = 15;
const crcField = 30;
/** Of the last field: tag and value. */
const crcLength = 6;
const transactionCountMax = 1_000;

const toWireVerb: Record<Verb, WireVerb> = {
  create: WireVerb.VERB_CREATE,
  update: WireVerb.VERB_UPDATE,
  delete: WireVerb.VERB_DELETE,
  system: WireVerb.VERB_SYSTEM,
};
const fromWireVerb = new Map(Object.entries(toWireVerb).map(([verb, wire]) => [wire, verb as Verb]));

/** First 16 bytes of the SHA-256 of the object bytes as stored. */
export function checksumOf(object: Uint8Array): Buffer {
  return createHash('sha256').update(object).digest().subarray(0, 16);
}

const view = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function toWireSystem(system: SystemEntry): Envelope['system'] {
  switch (system.type) {
    case 'genesis':
      return { entry: { $case: 'genesis', value: { clusterId: system.clusterId } } };
    case 'floor':
      return {
        entry: {
          $case: 'floor',
          value: { revision: BigInt(system.revision), scope: system.scope, timeMillis: BigInt(system.timeMs) },
        },
      };
    case 'fence': {
      const { holder, election, elsewhere } = system;
      const leasesRevision = BigInt(elsewhere?.leases ?? 0);
      const eventsRevision = BigInt(elsewhere?.events ?? 0);
      return { entry: { $case: 'fence', value: { holder, election, leasesRevision, eventsRevision } } };
    }
    case 'barrier':
      return { entry: { $case: 'barrier', value: {} } };
    case 'restore': {
      const { clusterId, revision, timeMs } = system;
      const value = { clusterId, revision: BigInt(revision), timeMillis: BigInt(timeMs) };
      return { entry: { $case: 'restore', value } };
    }
  }
}

const toWireOrigin = (origin: Origin): Envelope['restored'] => ({
  clusterId: origin.clusterId,
  revision: BigInt(origin.revision),
  timestampMillis: BigInt(origin.timestampMs),
});

export function encodeObjectEvent(event: ObjectEvent): Uint8Array {
  const { actor, cause, seal } = event;
  const envelope: Envelope = {
    format: envelopeFormat,
    verb: toWireVerb[event.verb],
    key: event.verb === 'system' ? undefined : event.key,
    uid: event.uid,
    actor: {
      user: actor.user,
      groups: [...actor.groups],
      userAgent: actor.userAgent,
      impersonator: actor.impersonator ?? '',
      uid: actor.uid ?? '',
    },
    requestId: event.requestId,
    changeId: event.changeId,
    cause: cause && { key: cause.key, revision: BigInt(cause.revision) },
    transaction: event.transaction,
    timeMicros: BigInt(event.timeMicros),
    checksum: checksumOf(event.object),
    parent: BigInt(event.parent),
    apiVersion: event.apiVersion,
    kind: event.kind,
    object: view(event.object),
    seal: seal && { algorithm: seal.algorithm, keyId: seal.keyId, nonce: view(seal.nonce) },
    traceparent: event.traceparent ?? '',
    subresource: event.subresource ?? '',
    system: event.system && toWireSystem(event.system),
    restored: event.restored && toWireOrigin(event.restored),
    crc32: 0,
  };
  const writer = Envelope.encode(envelope, new BinaryWriter());
  if (event.unknownFields !== undefined) writer.raw(event.unknownFields);
  return finishEnvelope(writer);
}

/** Where the CRC is, which covers everything before its field. */
function crcView(payload: Uint8Array): DataView {
  return new DataView(payload.buffer, payload.byteOffset + payload.length - 4, 4);
}

const crcOf = (payload: Uint8Array): number => crc32(payload.subarray(0, payload.length - crcLength));

/** Ends an envelope with its CRC; nothing may be written behind it. */
function finishEnvelope(writer: BinaryWriter): Uint8Array {
  const payload = writer.tag(crcField, WireType.Bit32).fixed32(0).finish();
  crcView(payload).setUint32(0, crcOf(payload), true);
  return payload;
}

/** Told by position: a length that flipped may have let another field swallow the last one. */
function hasItsCrc(payload: Uint8Array): boolean {
  const isLast = payload.at(-crcLength) === 0xf5 && payload.at(1 - crcLength) === 0x01;
  return isLast && crcView(payload).getUint32(0, true) === crcOf(payload);
}

/** Why bytes are no event: thrown inside this file only. */
class MalformedEnvelope extends Error {}

function toSafe(value: bigint, field: string): number {
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) throw new MalformedEnvelope(`${field} is out of range`);
  return Number(value);
}

const toSafeRevision = (value: bigint, field: string): Revision => toRevision(toSafe(value, field));

function keyOf(key: ObjectKey | undefined, field: string): ObjectKey {
  if (key === undefined || key.resource === '' || key.name === '') throw new MalformedEnvelope(`${field} is missing`);
  return { group: key.group, resource: key.resource, namespace: key.namespace, name: key.name };
}

function systemOf(system: Envelope['system']): SystemEntry {
  const entry = system?.entry;
  switch (entry?.$case) {
    case 'genesis':
      return { type: 'genesis', clusterId: entry.value.clusterId };
    case 'floor':
      return {
        type: 'floor',
        revision: toSafeRevision(entry.value.revision, 'floor'),
        scope: entry.value.scope,
        timeMs: toSafe(entry.value.timeMillis, 'time of the floor'),
      };
    case 'fence': {
      const { holder, election, leasesRevision, eventsRevision } = entry.value;
      const leases = toSafeRevision(leasesRevision, 'fence of leases');
      const events = toSafeRevision(eventsRevision, 'fence of events');
      return { type: 'fence', holder, election, ...(leases > 0 ? { elsewhere: { leases, events } } : {}) };
    }
    case 'barrier':
      return { type: 'barrier' };
    case 'restore':
      return {
        type: 'restore',
        clusterId: entry.value.clusterId,
        revision: toSafeRevision(entry.value.revision, 'revision of the restored log'),
        timeMs: toSafe(entry.value.timeMillis, 'time of the restored log'),
      };
    case undefined:
      throw new MalformedEnvelope('the system entry is of no known kind');
  }
}

function originOf(wire: NonNullable<Envelope['restored']>): Origin {
  return {
    clusterId: wire.clusterId,
    revision: toSafeRevision(wire.revision, 'original revision'),
    timestampMs: toSafe(wire.timestampMillis, 'original time'),
  };
}

function transactionOf(wire: NonNullable<Envelope['transaction']>): ObjectEvent['transaction'] {
  const { id, index, count } = wire;
  if (id === '' || count < 1 || count > transactionCountMax || index >= count)
    throw new MalformedEnvelope(`transaction ${index} of ${count} cannot be`);
  return { id, index, count };
}

function actorOf(wire: Envelope['actor']): Actor {
  return {
    user: wire?.user ?? '',
    groups: wire?.groups ?? [],
    userAgent: wire?.userAgent ?? '',
    ...(wire?.impersonator ? { impersonator: wire.impersonator } : {}),
    ...(wire?.uid ? { uid: wire.uid } : {}),
  };
}

/** The raw bytes of the top-level fields beyond the last known one. */
function unknownFieldsOf(payload: Uint8Array): Uint8Array | undefined {
  const reader = new BinaryReader(payload);
  const parts: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, wireType] = reader.tag();
    reader.skip(wireType, field);
    if (field > lastKnownField && field !== crcField) parts.push(payload.subarray(start, reader.pos));
  }
  return parts.length === 0 ? undefined : new Uint8Array(Buffer.concat(parts));
}

/** Each format has its own proof that the bytes are those that were written. */
function checkWhole(payload: Uint8Array, wire: Envelope): void {
  switch (wire.format) {
    case formatWithoutCrc:
      if (!checksumOf(wire.object).equals(wire.checksum)) throw new MalformedEnvelope('the checksum does not match');
      return;
    case envelopeFormat:
      if (!hasItsCrc(payload)) throw new MalformedEnvelope('the checksum of the envelope does not match');
      return;
    default:
      throw new MalformedEnvelope(`format ${wire.format} is unknown`);
  }
}

function toEvent(payload: Uint8Array): ObjectEvent {
  const wire = Envelope.decode(payload);
  checkWhole(payload, wire);
  const verb = fromWireVerb.get(wire.verb);
  if (verb === undefined) throw new MalformedEnvelope(`verb ${wire.verb} is unknown`);
  const isSystem = verb === 'system';
  if (!isSystem && wire.object.length === 0) throw new MalformedEnvelope('the object is missing');
  const unknownFields = unknownFieldsOf(payload);
  return {
    verb,
    key: isSystem ? emptyKey : keyOf(wire.key, 'key'),
    uid: wire.uid,
    actor: actorOf(wire.actor),
    requestId: wire.requestId,
    changeId: wire.changeId,
    ...(wire.cause
      ? { cause: { key: keyOf(wire.cause.key, 'cause'), revision: toSafeRevision(wire.cause.revision, 'cause') } }
      : {}),
    ...(wire.transaction ? { transaction: transactionOf(wire.transaction) } : {}),
    timeMicros: toSafe(wire.timeMicros, 'time'),
    parent: toSafeRevision(wire.parent, 'parent'),
    apiVersion: wire.apiVersion,
    kind: wire.kind,
    object: wire.object,
    ...(wire.seal ? { seal: { algorithm: wire.seal.algorithm, keyId: wire.seal.keyId, nonce: wire.seal.nonce } } : {}),
    ...(wire.traceparent === '' ? {} : { traceparent: wire.traceparent }),
    ...(wire.subresource === '' ? {} : { subresource: wire.subresource }),
    ...(isSystem ? { system: systemOf(wire.system) } : {}),
    ...(wire.restored ? { restored: originOf(wire.restored) } : {}),
    ...(unknownFields ? { unknownFields } : {}),
  };
}

/** Never throws: bytes that are no event say why. */
export function decodeObjectEvent(payload: Uint8Array): DecodedEvent {
  try {
    return { outcome: 'event', event: toEvent(payload) };
  } catch (error) {
    // The reader of the wire format throws plain errors on truncated or overlong input.
    return { outcome: 'malformed', reason: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Whether the object of a well-formed entry has the checksum that was made of it: a second proof beside the CRC over the
 * whole, too dear for each reader.
 */
export function hasObjectChecksum(payload: Uint8Array): boolean {
  const { object, checksum } = Envelope.decode(payload);
  return checksumOf(object).equals(checksum);
}

/** As `decodeObjectEvent`, for those who ask an event for little: it is read as it is asked, and keeps the payload. */
export function viewObjectEvent(payload: Uint8Array): DecodedEvent {
  const isWhole = payload.length > crcLength && hasItsCrc(payload);
  const event = isWhole ? viewOrdinaryEvent(payload, payload.length - crcLength, envelopeFormat, toEvent) : undefined;
  return event === undefined ? decodeObjectEvent(payload) : { outcome: 'event', event };
}

/** What of an entry depends on the log that it is in. */
export interface EntryPlace {
  readonly parent: Revision;
  /** Of the cause, if there is one; 0 when the log does not have it. */
  readonly causeRevision: Revision;
  readonly transaction?: Transaction;
  readonly restored: Origin;
}

/** A well-formed entry as another log has it: all that is not its place stays as it is, unknown fields too. */
export function relocateEntry(payload: Uint8Array, place: EntryPlace): Uint8Array {
  const envelope = Envelope.decode(payload);
  const { cause } = envelope;
  const moved: Envelope = {
    ...envelope,
    format: envelopeFormat,
    parent: BigInt(place.parent),
    cause: cause && { ...cause, revision: BigInt(place.causeRevision) },
    transaction: place.transaction && { ...envelope.transaction, ...place.transaction },
    restored: toWireOrigin(place.restored),
    crc32: 0,
  };
  return finishEnvelope(Envelope.encode(moved, new BinaryWriter()));
}

/** Where the object's bytes are in a well-formed envelope; undefined when it has none. */
export function objectRangeOf(payload: Uint8Array): { readonly start: number; readonly end: number } | undefined {
  const reader = new BinaryReader(payload);
  let range: { readonly start: number; readonly end: number } | undefined;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === objectField) {
      const length = reader.uint32();
      range = { start: reader.pos, end: reader.pos + length };
      reader.pos += length;
    } else reader.skip(wireType, field);
  }
  return range;
}
