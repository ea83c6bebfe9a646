/** `/openapi/v2` and `/openapi/v3`: documents that a client keeps until their tag changes. */
import { notAcceptable } from '@periplus/api/meta';
import type { Publication, PublishedDocument } from '@periplus/api/schema';
import { mediaTypes, parseAccept } from './negotiation.js';
import { jsonAnswer, type PathAnswer, withTag } from './path-answer.js';
import type { IncomingRequest } from './request-body.js';

const openApiV2Protobuf = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
/** Its older name, which is no valid media type, and which clients still ask for. */
const openApiV2ProtobufOld = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

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
  const document = path.startsWith(prefix) ? publication.openApiV3(path.slice(prefix.length)) : undefined;
  if (!document) return undefined;
  const answer = answerDocument(document, request);
  // Asked for by its hash it will never change under this URL.
  if (query.get('hash') !== document.hash) return answer;
  return { ...answer, headers: { ...answer.headers, 'cache-control': 'public, immutable' } };
}

function answerV2(publication: Publication, request: IncomingRequest): PathAnswer {
  if (acceptedV2(request.headers.accept) === 'json') return answerDocument(publication.openApiV2(), request);
  const { bytes, hash } = publication.openApiV2Protobuf();
  return withTag({ code: 200, contentType: openApiV2Protobuf, body: bytes }, hash, request.headers['if-none-match']);
}

function acceptedV2(accept: string | undefined): 'json' | 'protobuf' {
  for (const { type } of parseAccept(accept)) {
    if (type === mediaTypes.json || type === 'application/*' || type === '*/*') return 'json';
    if (type === openApiV2Protobuf || type === openApiV2ProtobufOld) return 'protobuf';
  }
  throw notAcceptable(`only the following media types are accepted: ${mediaTypes.json}, ${openApiV2Protobuf}`);
}

function answerDocument({ json, hash }: PublishedDocument, request: IncomingRequest): PathAnswer {
  const answer = { code: 200, contentType: mediaTypes.json, body: Buffer.from(json) };
  return withTag(answer, hash, request.headers['if-none-match']);
}
