/** What protobuf bodies look like outside: four magic bytes, then the object's type around its own bytes. */
import { createProtobufReader, ProtobufError, protobufText } from './protobuf-reader.js';
import { createProtobufWriter, type ProtobufWriter, wireBytes } from './protobuf-writer.js';

/** `k8s` and a zero. */
const magic = Uint8Array.of(0x6b, 0x38, 0x73, 0x00);

export interface ProtobufEnvelope {
  readonly apiVersion: string;
  readonly kind: string;
  /** The object's own bytes: a view into what was opened. */
  readonly raw: Uint8Array;
}

export type ProtobufOpened =
  | ({ readonly ok: true } & ProtobufEnvelope)
  | { readonly ok: false; readonly error: string };

const rawField = 2;
const contentEncodingField = 3;
const contentTypeField = 4;

type TypeMeta = Omit<ProtobufEnvelope, 'raw'>;

/** A whole body. */
export function envelopeProtobuf({ apiVersion, kind, raw }: ProtobufEnvelope): Uint8Array {
  const out = createProtobufWriter();
  writeLength(out, contentTypeField, 0);
  writeLength(out, contentEncodingField, 0);
  out.bytes(raw);
  writeLength(out, rawField, raw.length);
  writeTypeMeta(out, { apiVersion, kind });
  return out.finish();
}

function writeLength(out: ProtobufWriter, field: number, length: number): void {
  out.lengthSince(out.size() - length);
  out.tag(field, wireBytes);
}

function writeTypeMeta(out: ProtobufWriter, { apiVersion, kind }: TypeMeta): void {
  const start = out.size();
  for (const [field, text] of [[2, kind] as const, [1, apiVersion] as const]) {
    const textStart = out.size();
    out.text(text);
    writeLength(out, field, out.size() - textStart);
  }
  writeLength(out, 1, out.size() - start);
  out.bytes(magic);
}

function readTypeMeta(bytes: Uint8Array): { apiVersion: string; kind: string } {
  const reader = createProtobufReader(bytes);
  const texts = new Map<number, string>();
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    if (field.number <= 2 && field.wireType === wireBytes) texts.set(field.number, reader.text());
    else reader.skip(field);
  }
  return { apiVersion: texts.get(1) ?? '', kind: texts.get(2) ?? '' };
}

function checkContentType(contentType: string): void {
  if (contentType !== '' && contentType !== 'application/vnd.kubernetes.protobuf') {
    throw new ProtobufError(
      `unsupported content type ${JSON.stringify(contentType.slice(0, 100))} in protobuf envelope`,
    );
  }
}

function readEnvelope(bytes: Uint8Array): ProtobufEnvelope {
  const reader = createProtobufReader(bytes.subarray(magic.length));
  let type = { apiVersion: '', kind: '' };
  let raw: Uint8Array = new Uint8Array();
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    if (field.wireType !== wireBytes) reader.skip(field);
    else {
      const content = reader.bytes();
      if (field.number === 1) type = readTypeMeta(content);
      else if (field.number === rawField) raw = content;
      else if (field.number === contentEncodingField && content.length > 0) {
        throw new ProtobufError('unsupported content encoding in protobuf envelope');
      } else if (field.number === contentTypeField) checkContentType(protobufText(content));
    }
  }
  return { ...type, raw };
}

/** Opens a body. Malformed ones are an outcome, not an exception. */
export function openProtobufEnvelope(bytes: Uint8Array): ProtobufOpened {
  if (!magic.every((byte, at) => bytes[at] === byte)) {
    return {
      ok: false,
      error: `provided data does not appear to be a protobuf message, expected prefix [${magic.join(' ')}]`,
    };
  }
  try {
    return { ok: true, ...readEnvelope(bytes) };
  } catch (error) {
    if (!(error instanceof ProtobufError)) throw error;
    return { ok: false, error: error.message };
  }
}

/** A list's bytes from its items' own bytes, which need not be encoded again: `metadata` is field 1, `items` field 2. */
export function joinProtobufList(metadata: Uint8Array, items: readonly Uint8Array[]): Uint8Array {
  const out = createProtobufWriter();
  for (const [number, bytes] of [...items.map((item) => [2, item] as const).reverse(), [1, metadata] as const]) {
    out.bytes(bytes);
    out.lengthSince(out.size() - bytes.length);
    out.tag(number, wireBytes);
  }
  return out.finish();
}

/** What stands before the items in the body of a list whose items, with their tags, take `itemsLength` bytes. */
export function protobufListHead(type: TypeMeta, metadata: Uint8Array, itemsLength: number): Uint8Array {
  const out = createProtobufWriter();
  out.bytes(metadata);
  writeLength(out, 1, metadata.length);
  const length = out.size() + itemsLength;
  // The writer counts from its end, and the items are not in it.
  out.varint(length);
  out.tag(rawField, wireBytes);
  writeTypeMeta(out, type);
  return out.finish();
}

/** What stands behind the items: the empty fields of the envelope. */
export const protobufListTail = Uint8Array.of(
  contentEncodingField * 8 + wireBytes,
  0,
  contentTypeField * 8 + wireBytes,
  0,
);

/** The items of a long list one behind the other, in few pieces of memory that go back to the system when they go. */
export interface PackedList {
  add(item: Uint8Array): void;
  size(): number;
  parts(): Iterable<Uint8Array>;
}

/** Memory that is not written takes none; so large a piece of it is never kept for later by the allocator. */
const packedBytes = 33 * 1024 * 1024;
const partBytes = 256 * 1024;
/** A tag and the longest length. */
const itemHeadMax = 6;

export function createPackedList(): PackedList {
  const full: Uint8Array[] = [];
  let open = Buffer.allocUnsafeSlow(packedBytes);
  let at = 0;
  let size = 0;

  function* parts(): Generator<Uint8Array> {
    for (const piece of [...full, open.subarray(0, at)])
      for (let from = 0; from < piece.length; from += partBytes) yield piece.subarray(from, from + partBytes);
  }

  return {
    add(item) {
      if (at + itemHeadMax + item.length > open.length) {
        full.push(open.subarray(0, at));
        open = Buffer.allocUnsafeSlow(Math.max(packedBytes, itemHeadMax + item.length));
        at = 0;
      }
      const start = at;
      open[at++] = 2 * 8 + wireBytes;
      let length = item.length;
      for (; length > 127; length >>>= 7) open[at++] = (length & 127) | 128;
      open[at++] = length;
      open.set(item, at);
      at += item.length;
      size += at - start;
    },
    size: () => size,
    parts,
  };
}

/** One watch event as it stands in a stream's frame, without an envelope; `object` is a whole body. */
export function encodeProtobufWatchEvent(type: string, object: Uint8Array): Uint8Array {
  const out = createProtobufWriter();
  const start = out.size();
  const bytesAt = (number: number, from: number): void => {
    out.lengthSince(from);
    out.tag(number, wireBytes);
  };
  out.bytes(object);
  bytesAt(1, start);
  bytesAt(2, start);
  const typeStart = out.size();
  out.text(type);
  bytesAt(1, typeStart);
  return out.finish();
}
