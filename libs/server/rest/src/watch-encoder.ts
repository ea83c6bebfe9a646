/** Events of a watch as frames: JSON lines or length-prefixed protobuf, of objects, tables or metadata. */
import { formatApiVersion, formatResourceVersion, type JsonObject } from '@periplus/api/meta';
import { encodeJson } from '@periplus/api/schema';
import type { ServedEvent, ServedObject } from '@periplus/server/requests';
import { cborHead, cborItem, cborItemOfJson, describedCbor } from './cbor.js';
import { type AcceptedForm, cborSequence, mediaTypes } from './negotiation.js';
import { cborOf, metadataOf, type RenderOptions, tableOfEvent } from './rendering.js';

export interface WatchEncoder {
  readonly contentType: string;
  encode(event: ServedEvent): Uint8Array;
}

const utf8 = new TextEncoder();
const initialEventsEnd = 'k8s.io/initial-events-end';

/** @param now is asked for each event: ages in tables move on. */
export function createWatchEncoder(
  form: AcceptedForm,
  options: Omit<RenderOptions, 'now'>,
  now: () => number,
): WatchEncoder {
  if (form.encoding !== 'cbor') return lineEncoder(form, options, now);
  if (form.as === 'object') return { contentType: cborSequence, encode: encodeCborEvent };
  const lines = lineEncoder(form, options, now);
  return {
    contentType: lines.contentType.replace(mediaTypes.json, cborSequence),
    encode: (event) => describedCbor(cborItemOfJson(lines.encode(event))),
  };
}

function lineEncoder(form: AcceptedForm, options: Omit<RenderOptions, 'now'>, now: () => number): WatchEncoder {
  if (form.as === 'object' && form.encoding === 'protobuf') {
    return {
      contentType: 'application/vnd.kubernetes.protobuf;stream=watch',
      encode: (event) => options.protobuf.watchFrame(event),
    };
  }
  if (form.as === 'object') return { contentType: 'application/json', encode: encodeObjectLine };
  if (form.as === 'Table') return tableEncoder(options, now);
  return {
    contentType: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
    encode: (event) =>
      event.type === 'BOOKMARK' || event.type === 'ERROR'
        ? line(
            event.type,
            event.type === 'ERROR' ? event.status : bookmarkAs(event, 'PartialObjectMetadata', 'meta.k8s.io/v1'),
          )
        : event.object.derive(`metadata-line:${event.type}`, (served) => line(event.type, metadataOf(served.object()))),
  };
}

type Bookmark = Extract<ServedEvent, { type: 'BOOKMARK' }>;

/** Of a bookmark only the position counts. */
export function bookmarkAs(event: Bookmark, kind: string, apiVersion: string): object {
  return {
    kind,
    apiVersion,
    metadata: {
      resourceVersion: formatResourceVersion(event.revision),
      ...(event.initialEventsEnd ? { annotations: { [initialEventsEnd]: 'true' } } : {}),
    },
  };
}

function line(type: string, object: object): Uint8Array {
  return utf8.encode(`{"type":"${type}","object":${encodeJson(object as JsonObject)}}\n`);
}

/** Made once an object and type, then shared by every watcher. */
function encodeObjectLine(event: ServedEvent): Uint8Array {
  if (event.type === 'ERROR') return line('ERROR', event.status);
  if (event.type === 'BOOKMARK')
    return line('BOOKMARK', bookmarkAs(event, event.kind.kind, formatApiVersion(event.kind)));
  return event.object.derive(`json-line:${event.type}`, (served) => wrapJson(event.type, served));
}

function wrapJson(type: string, served: ServedObject): Uint8Array {
  return Buffer.concat([utf8.encode(`{"type":"${type}","object":`), served.json(), utf8.encode('}\n')]);
}

/** Made once an object and type, as the lines of JSON are. */
function encodeCborEvent(event: ServedEvent): Uint8Array {
  const wrap = (object: Uint8Array): Uint8Array =>
    describedCbor(cborHead('map', 2), ...['type', event.type, 'object'].map(cborItem), object);
  if (event.type === 'ERROR') return wrap(cborItem(event.status as unknown as JsonObject));
  if (event.type === 'BOOKMARK')
    return wrap(cborItem(bookmarkAs(event, event.kind.kind, formatApiVersion(event.kind)) as JsonObject));
  return event.object.derive(`cbor-frame:${event.type}`, (served) => wrap(cborOf(served)));
}

function tableEncoder(options: Omit<RenderOptions, 'now'>, now: () => number): WatchEncoder {
  let sentHeaders = false;
  return {
    contentType: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    encode(event) {
      if (event.type === 'ERROR') return line('ERROR', event.status);
      if (event.type === 'BOOKMARK') {
        const metadata = { resourceVersion: formatResourceVersion(event.revision) };
        const row = { cells: [], object: bookmarkAs(event, 'PartialObjectMetadata', 'meta.k8s.io/v1') };
        return line('BOOKMARK', {
          kind: 'Table',
          apiVersion: 'meta.k8s.io/v1',
          metadata,
          columnDefinitions: [],
          rows: event.initialEventsEnd ? [row] : [],
        });
      }
      const table = tableOfEvent(event.object, { ...options, now: now() }, sentHeaders);
      sentHeaders = true;
      return line(event.type, table);
    },
  };
}
