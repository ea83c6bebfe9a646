/** What the frames hold, to bytes and back. Pure. */
import { type Revision, toRevision } from '@periplus/api/meta';
import { ArchiveEntry, ArchiveGone, ArchiveHeader, ArchiveMark, ArchiveStream } from '@periplus/api/wire';
import type { LogEntry, StreamName, Subject } from '@periplus/log/event-log';

/** What a file says of itself. */
export interface Header {
  readonly clusterId: string;
  readonly createdMs: number;
  /** Tells a log from another of the same name. */
  readonly genesis: Uint8Array;
  /** What whoever made the cluster wants to know again when it is made anew. */
  readonly notes: Readonly<Record<string, string>>;
}

export interface StreamPosition {
  /** The file has what the log had up to here, a transaction's end; 0 when the stream is not saved. */
  readonly position: Revision;
  /** The stream's last revision when the run ended. */
  readonly last: Revision;
}

/** The end of a run: everything before it belongs together. */
export interface Mark {
  /** 1 for the file's first. */
  readonly run: number;
  readonly timeMs: number;
  readonly positions: Readonly<Record<StreamName, StreamPosition>>;
  /** Of the whole file so far. */
  readonly entries: number;
}

/** The file has the object alive at `revision`, and the log had forgotten its end before the file could have it. */
export interface Gone {
  readonly subject: Subject;
  readonly revision: Revision;
}

/** Written by this version. */
const archiveFormat = 1;

const toWireStream: Readonly<Record<StreamName, ArchiveStream>> = {
  objects: ArchiveStream.ARCHIVE_STREAM_OBJECTS,
  leases: ArchiveStream.ARCHIVE_STREAM_LEASES,
  events: ArchiveStream.ARCHIVE_STREAM_EVENTS,
};
const fromWireStream = new Map(Object.entries(toWireStream).map(([name, wire]) => [wire, name as StreamName]));

const view = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const wholeMs = (timeMs: number): bigint => BigInt(Math.round(timeMs));
const revisionOf = (value: bigint): Revision => toRevision(Number(value));

export function encodeHeader(header: Header): Uint8Array {
  return ArchiveHeader.encode({
    format: archiveFormat,
    clusterId: header.clusterId,
    createdMillis: wholeMs(header.createdMs),
    genesis: view(header.genesis),
    notes: { ...header.notes },
  }).finish();
}

/** Undefined for a format that this version does not read. */
export function decodeHeader(payload: Uint8Array): Header | undefined {
  const wire = ArchiveHeader.decode(payload);
  if (wire.format !== archiveFormat) return undefined;
  return {
    clusterId: wire.clusterId,
    createdMs: Number(wire.createdMillis),
    genesis: Uint8Array.from(wire.genesis),
    notes: wire.notes,
  };
}

export function encodeEntry(entry: LogEntry): Uint8Array {
  return ArchiveEntry.encode({
    stream: toWireStream[entry.stream],
    revision: BigInt(entry.revision),
    timestampMillis: wholeMs(entry.timestampMs),
    subject: entry.subject,
    payload: view(entry.payload),
    expiresMillis: wholeMs(entry.expiresAtMs ?? 0),
    expired: entry.marker !== undefined,
  }).finish();
}

/** Undefined for an entry of a stream that this version does not know. Its payload is a view. */
export function decodeEntry(payload: Uint8Array): LogEntry | undefined {
  const wire = ArchiveEntry.decode(payload);
  const stream = fromWireStream.get(wire.stream);
  if (stream === undefined) return undefined;
  return {
    stream,
    revision: revisionOf(wire.revision),
    subject: wire.subject,
    payload: wire.payload,
    timestampMs: Number(wire.timestampMillis),
    ...(wire.expired ? { marker: 'expired' } : {}),
    ...(wire.expiresMillis > 0n ? { expiresAtMs: Number(wire.expiresMillis) } : {}),
  };
}

export function encodeGone({ subject, revision }: Gone): Uint8Array {
  return ArchiveGone.encode({ subject, revision: BigInt(revision) }).finish();
}

export function decodeGone(payload: Uint8Array): Gone {
  const { subject, revision } = ArchiveGone.decode(payload);
  return { subject, revision: revisionOf(revision) };
}

export function encodeMark(mark: Mark): Uint8Array {
  return ArchiveMark.encode({
    run: mark.run,
    timeMillis: wholeMs(mark.timeMs),
    positions: Object.entries(mark.positions).map(([name, { position, last }]) => ({
      stream: toWireStream[name as StreamName],
      position: BigInt(position),
      lastRevision: BigInt(last),
    })),
    entries: BigInt(mark.entries),
  }).finish();
}

export function decodeMark(payload: Uint8Array): Mark {
  const wire = ArchiveMark.decode(payload);
  const positionOf = (name: StreamName): StreamPosition => {
    const found = wire.positions.find(({ stream }) => stream === toWireStream[name]);
    return { position: revisionOf(found?.position ?? 0n), last: revisionOf(found?.lastRevision ?? 0n) };
  };
  return {
    run: wire.run,
    timeMs: Number(wire.timeMillis),
    positions: { objects: positionOf('objects'), leases: positionOf('leases'), events: positionOf('events') },
    entries: Number(wire.entries),
  };
}
