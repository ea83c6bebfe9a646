/** A result in the form that the client asked for: the object as it is, a Table, or its metadata alone. */
import type { KindSchema } from '@periplus/api/kinds';
import {
  formatApiVersion,
  formatResourceVersion,
  internalError,
  type JsonObject,
  type KubeObject,
  type Status,
} from '@periplus/api/meta';
import { encodeJson, parseJson, printTable } from '@periplus/api/schema';
import type { ApiResult, ListResult, ServedObject } from '@periplus/server/requests';
import { cborHead, cborItem, cborItemOfJson, describedCbor } from './cbor.js';
import { type AcceptedForm, mediaTypes } from './negotiation.js';
import { indentJson, prettyBytesMax } from './pretty-json.js';
import type { ProtobufAnswers } from './protobuf-answers.js';
import { toYaml } from './yaml-writer.js';

export interface Rendered {
  readonly code: number;
  readonly contentType: string;
  /** Written one after another; shared buffers, never changed. */
  readonly chunks: readonly Uint8Array[];
  /** Instead of chunks: an answer too large to be there at once, made while it is read. */
  readonly rest?: Iterable<Uint8Array>;
}

/** A longer list is made while it is sent. */
export const wholeItemsMax = 1_000;

export interface RenderOptions {
  /** Milliseconds since the epoch, for ages. */
  readonly now: number;
  /** Of a Table: what rows carry of their objects. */
  readonly includeObject: 'None' | 'Metadata' | 'Object';
  readonly protobuf: ProtobufAnswers;
}

/** What a result can be rendered as, for the negotiation. */
export const objectRenderings = [
  'Table/v1.meta.k8s.io',
  'PartialObjectMetadata/v1.meta.k8s.io',
  'PartialObjectMetadataList/v1.meta.k8s.io',
] as const;

const utf8 = new TextEncoder();
const comma = utf8.encode(',');
const listEnd = utf8.encode(']}');

export function renderResult(result: ApiResult, form: AcceptedForm, options: RenderOptions): Rendered {
  if (result.type === 'status') return renderStatus(result.status, form, options.protobuf);
  const code = result.type === 'object' && result.created ? 201 : 200;
  if (form.as === 'Table')
    return { code, ...renderJson(tableOf(result, options), form, ';as=Table;v=v1;g=meta.k8s.io') };
  if (form.as !== 'object') {
    const value = result.type === 'list' ? metadataListOf(result) : metadataOf(result.object.object());
    return { code, ...renderJson(value, form, `;as=${form.as};v=v1;g=meta.k8s.io`) };
  }
  if (
    result.type === 'list' &&
    result.items.length > wholeItemsMax &&
    (form.encoding === 'json' || form.encoding === 'protobuf')
  ) {
    const rest = form.encoding === 'protobuf' ? options.protobuf.listInParts(result) : undefined;
    if (rest !== undefined) return { code, contentType: mediaTypes.protobuf, chunks: [], rest };
    return { code, contentType: mediaTypes.json, chunks: [], rest: listParts(result) };
  }
  if (form.encoding === 'protobuf') {
    const bytes = result.type === 'list' ? options.protobuf.list(result) : options.protobuf.object(result.object);
    if (bytes !== undefined) return { code, contentType: mediaTypes.protobuf, chunks: [bytes] };
  }
  if (form.encoding === 'cbor')
    return {
      code,
      contentType: mediaTypes.cbor,
      chunks: result.type === 'list' ? cborList(result) : [describedCbor(cborOf(result.object))],
    };
  const chunks = result.type === 'list' ? [...listParts(result)] : [result.object.json()];
  if (form.encoding === 'yaml') return { code, contentType: mediaTypes.yaml, chunks: [yamlOf(Buffer.concat(chunks))] };
  return { code, contentType: mediaTypes.json, chunks };
}

export function renderStatus(status: Status, form: AcceptedForm, protobuf: ProtobufAnswers): Rendered {
  const code = status.code ?? 200;
  if (form.encoding === 'protobuf')
    return { code, contentType: mediaTypes.protobuf, chunks: [protobuf.status(status)] };
  return { code, ...renderOwn(status, form) };
}

/** What this server makes itself, its fields in the order in which it made them: a Status, discovery. */
export function renderOwn(value: object, form: AcceptedForm, parameters = ''): Omit<Rendered, 'code'> {
  return inForm(utf8.encode(JSON.stringify(value)), form, parameters);
}

/** A rendering of objects, in which there may be anything that is in them. */
function renderJson(value: object, form: AcceptedForm, parameters: string): Omit<Rendered, 'code'> {
  return inForm(utf8.encode(encodeJson(value as JsonObject)), form, parameters);
}

function inForm(json: Uint8Array, form: AcceptedForm, parameters: string): Omit<Rendered, 'code'> {
  if (form.encoding === 'yaml') return { contentType: `${mediaTypes.yaml}${parameters}`, chunks: [yamlOf(json)] };
  if (form.encoding === 'cbor')
    return { contentType: `${mediaTypes.cbor}${parameters}`, chunks: [describedCbor(cborItemOfJson(json))] };
  return { contentType: `${mediaTypes.json}${parameters}`, chunks: [json] };
}

/** The same for a person to read, where it is JSON that a person may read. */
export function prettied<T extends Omit<Rendered, 'code'>>(rendered: T, isPretty: boolean): T {
  if (!isPretty || rendered.rest !== undefined || !rendered.contentType.startsWith(mediaTypes.json)) return rendered;
  if (rendered.chunks.reduce((sum, chunk) => sum + chunk.length, 0) > prettyBytesMax) return rendered;
  return { ...rendered, chunks: [indentJson(Buffer.concat(rendered.chunks))] };
}

/** What this server has written itself has no limits but its own. */
const ownJsonLimits = { depthMax: Infinity, nodesMax: Infinity, duplicatesMax: 0 };

function yamlOf(json: Uint8Array): Uint8Array {
  const parsed = parseJson(json, ownJsonLimits);
  if (!parsed.ok) throw internalError(`an object could not be written as YAML: ${parsed.error}`);
  return utf8.encode(toYaml(parsed.value));
}

/** A list is a concatenation of its objects. */
function* listParts(list: ListResult): Generator<Uint8Array> {
  const kind = { kind: list.kind.listKind, apiVersion: formatApiVersion(list.kind), metadata: listMetadata(list) };
  const head = JSON.stringify(kind);
  yield utf8.encode(`${head.slice(0, -1)},"items":[`);
  let isFirst = true;
  for (const item of list.items) {
    if (!isFirst) yield comma;
    isFirst = false;
    yield item.json();
  }
  yield listEnd;
}

/** Made once an object, as a part of lists, events and answers. */
export function cborOf(served: ServedObject): Uint8Array {
  return served.derive('cbor', (one) => cborItemOfJson(one.json()));
}

function cborList(list: ListResult): Uint8Array[] {
  const { kind, items } = list;
  const entries = [
    ...['kind', kind.listKind, 'apiVersion', formatApiVersion(kind), 'metadata'].map(cborItem),
    cborItem({ ...listMetadata(list) }),
    cborItem('items'),
  ];
  return [describedCbor(cborHead('map', 4), ...entries, cborHead('array', items.length)), ...items.map(cborOf)];
}

export interface ListMetadata {
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

export function listMetadata(list: ListResult): ListMetadata {
  return {
    resourceVersion: list.resourceVersion,
    ...(list.continue === undefined ? {} : { continue: list.continue }),
    ...(list.remainingItemCount === undefined ? {} : { remainingItemCount: list.remainingItemCount }),
  };
}

function tableOf(result: Exclude<ApiResult, { type: 'status' }>, options: RenderOptions): object {
  const isList = result.type === 'list';
  const objects = isList ? result.items.map((item) => item.object()) : [result.object.object()];
  const kind: KindSchema = isList ? result.kind : result.object.kind;
  const metadata = isList ? listMetadata(result) : { resourceVersion: formatResourceVersion(result.object.revision) };
  return printTable(kind, objects, options.now, { includeObject: options.includeObject, metadata });
}

/** The object's own table for one event of a watch; columns only with the first. */
export function tableOfEvent(served: ServedObject, options: RenderOptions, noHeaders: boolean): object {
  return printTable(served.kind, [served.object()], options.now, {
    includeObject: options.includeObject,
    noHeaders,
    metadata: { resourceVersion: formatResourceVersion(served.revision) },
  });
}

export function metadataOf(object: KubeObject): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata ?? {} };
}

function metadataListOf(list: ListResult): object {
  return {
    kind: 'PartialObjectMetadataList',
    apiVersion: 'meta.k8s.io/v1',
    metadata: listMetadata(list),
    items: list.items.map((item) => metadataOf(item.object())),
  };
}
