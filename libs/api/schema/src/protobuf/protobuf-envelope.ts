/** What protobuf bodies look like outside: four magic bytes, then the object's type around its own bytes. */
import { createProtobufReader, ProtobufError, protobufText } from './protobuf-reader.js';
import { createProtobufWriter, wireBytes } from './protobuf-writer.js';

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

/** A whole body. */
export function envelopeProtobuf({ apiVersion, kind, raw }: ProtobufEnvelope): Uint8Array {
  const out = createProtobufWriter();
  const delimited = (number: number, write: () => void): void => {
    const start = out.size();
    write();
    out.lengthSince(start);
    out.tag(number, wireBytes);
  };
  delimited(contentTypeField, () => undefined);
  delimited(contentEncodingField, () => undefined);
  delimited(rawField, () => out.bytes(raw));
  delimited(1, () => {
    delimited(2, () => out.text(kind));
    delimited(1, () => out.text(apiVersion));
  });
  out.bytes(magic);
  return out.finish();
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
