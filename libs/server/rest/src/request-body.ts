/** Reads a request's body: at most 3 MiB, also after decompression, and not for ever. */
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { badRequest, timeout, tooLarge, unsupportedMediaType } from '@periplus/api/meta';
import { encodeJson } from '@periplus/api/schema';
import type { RequestBody } from '@periplus/server/requests';
import { parseCbor } from './cbor.js';
import { mediaTypes } from './negotiation.js';

export type IncomingRequest = IncomingMessage | Http2ServerRequest;

/** Upstream's limit of a request body. */
export const bodyBytesMax = 3 * 1024 * 1024;

/** Undefined when the request has no body. Throws `StatusError` 400, 413, 415 or 504. */
export async function readBody(request: IncomingRequest, limitMs: number): Promise<RequestBody | undefined> {
  const declared = request.headers['content-length'];
  if (declared !== undefined && Number(declared) > bodyBytesMax) throw tooLarge(limitMessage);
  const bytes = await collect(request, decoded(request), limitMs);
  if (bytes.length === 0) return undefined;
  const mediaType = (request.headers['content-type'] ?? 'application/json').split(';')[0]!.trim().toLowerCase();
  return { mediaType, bytes };
}

const applyYaml = 'application/apply-patch+yaml';
const applyCbor = 'application/apply-patch+cbor';

/** Bodies of CBOR go on as JSON; 415 where it is not switched on. */
export function readForm(body: RequestBody | undefined, withCbor: boolean): RequestBody | undefined {
  if (body === undefined || (body.mediaType !== mediaTypes.cbor && body.mediaType !== applyCbor)) return body;
  if (!withCbor)
    throw unsupportedMediaType(
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    );
  const bytes = Buffer.from(encodeJson(parseCbor(body.bytes)));
  return body.mediaType === applyCbor
    ? { mediaType: applyYaml, bytes, isJson: true }
    : { mediaType: mediaTypes.json, bytes };
}

const limitMessage = `Request entity too large: limit is ${bodyBytesMax}`;

function decoded(request: IncomingRequest): Readable {
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return request;
  if (encoding !== 'gzip')
    throw unsupportedMediaType(`the content encoding ${JSON.stringify(encoding)} is not supported; use gzip`);
  return request.pipe(createGunzip());
}

function collect(request: IncomingRequest, source: Readable, limitMs: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(() => fail(timeout('the request body did not arrive in time')), limitMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      source.removeAllListeners('data');
      if (source !== request) {
        request.unpipe();
        source.destroy();
      }
      reject(error);
    };
    source.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > bodyBytesMax) fail(tooLarge(limitMessage));
      else chunks.push(chunk);
    });
    source.once('end', () => {
      clearTimeout(timer);
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    });
    source.once('error', (error) => fail(badRequest(`the request body could not be read: ${error.message}`)));
    request.once('aborted', () => fail(badRequest('the request was aborted')));
  });
}
