/** `/openapi/v2` and `/openapi/v3`: documents that a client keeps until their tag changes. */
import { notAcceptable } from '@periplus/api/meta';
import type { Publication, PublishedBytes, PublishedDocument } from '@periplus/api/schema';
import { mediaTypes, parseAccept } from './negotiation.js';
import { jsonAnswer, type PathAnswer, withTag } from './path-answer.js';
import type { IncomingRequest } from './request-body.js';

/** The names of the protobuf forms; the ones with @, which are no valid media types, are what clients ask for. */
const protobufNames = (version: 'v2' | 'v3'): readonly [name: string, asked: string] => [
  `application/com.github.proto-openapi.spec.${version}.v1.0+protobuf`,
  `application/com.github.proto-openapi.spec.${version}@v1.0+protobuf`,
];

/** Undefined where there is no such document. */
export function answerOpenApi(
  publication: Publication,
  path: string,
  query: URLSearchParams,
  request: IncomingRequest,
): PathAnswer | undefined {
  if (path === '/openapi/v3') return jsonAnswer(publication.openApiV3Index());
  if (path === '/openapi/v2') return answerV2(publication, request);
  const prefix = '/openapi/v3/';
  return path.startsWith(prefix) ? answerV3(publication, path.slice(prefix.length), query, request) : undefined;
}

function answerV3(
  publication: Publication,
  path: string,
  query: URLSearchParams,
  request: IncomingRequest,
): PathAnswer | undefined {
  const document = publication.openApiV3(path);
  if (!document) return undefined;
  const answer =
    accepted('v3', request) === 'json'
      ? answerDocument(document, request)
      : answerProtobuf('v3', publication.openApiV3Protobuf(path)!, request);
  // Asked for by its hash it will never change under this URL.
  if (query.get('hash') !== document.hash) return answer;
  return { ...answer, headers: { ...answer.headers, 'cache-control': 'public, immutable' } };
}

function answerV2(publication: Publication, request: IncomingRequest): PathAnswer {
  return accepted('v2', request) === 'json'
    ? answerDocument(publication.openApiV2(), request)
    : answerProtobuf('v2', publication.openApiV2Protobuf(), request);
}

function accepted(version: 'v2' | 'v3', request: IncomingRequest): 'json' | 'protobuf' {
  const names = protobufNames(version);
  for (const { type } of parseAccept(request.headers.accept)) {
    if (type === mediaTypes.json || type === 'application/*' || type === '*/*') return 'json';
    if (names.includes(type)) return 'protobuf';
  }
  throw notAcceptable(`only the following media types are accepted: ${mediaTypes.json}, ${names[0]}`);
}

function answerProtobuf(version: 'v2' | 'v3', { bytes, hash }: PublishedBytes, request: IncomingRequest): PathAnswer {
  const answer = { code: 200, contentType: protobufNames(version)[0], body: bytes };
  return withTag(answer, hash, request.headers['if-none-match']);
}

function answerDocument({ json, hash }: PublishedDocument, request: IncomingRequest): PathAnswer {
  const answer = { code: 200, contentType: mediaTypes.json, body: Buffer.from(json) };
  return withTag(answer, hash, request.headers['if-none-match']);
}
