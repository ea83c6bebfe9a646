/** A registry that can only be pulled from: the part of the OCI distribution protocol that a container runtime uses. */
import { createReadStream } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { type ImageLayout, manifestMediaType } from './image-layout.js';

const defaultNamespace = 'docker.io';
/** /v2/<repository>/(manifests|blobs)/<reference>; a repository has at most 255 characters. */
const requestPattern = /^\/v2\/([a-z0-9][a-z0-9._/-]{0,254})\/(manifests|blobs)\/([\w.:-]{1,140})$/;

function sendError(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}

function sendBlob(
  request: IncomingMessage,
  response: ServerResponse,
  blob: { readonly path: string; readonly size: number },
  mediaType: string,
  digest: string,
): void {
  response.writeHead(200, {
    'content-type': mediaType,
    'content-length': blob.size,
    'docker-content-digest': digest,
    etag: `"${digest}"`,
  });
  if (request.method === 'HEAD') response.end();
  // A client that goes away in the middle is its own business; the file is closed either way.
  else pipeline(createReadStream(blob.path), response, () => undefined);
}

/** Answers one request. A mirror is told by `ns` which registry the client means. */
function handle(layout: ImageLayout, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  response.setHeader('docker-distribution-api-version', 'registry/2.0');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return sendError(response, 405, 'UNSUPPORTED', 'this registry can only be pulled from');
  }
  if (url.pathname === '/v2/' || url.pathname === '/v2') {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end('{}');
    return undefined;
  }
  if (url.pathname === '/livez' || url.pathname === '/readyz') {
    response.end('ok');
    return undefined;
  }
  const match = url.pathname.match(requestPattern);
  if (!match) return sendError(response, 404, 'NAME_UNKNOWN', 'no such path');
  const [, repository = '', kind, reference = ''] = match;
  if (kind === 'blobs') {
    const blob = layout.findBlob(reference);
    if (blob === undefined) return sendError(response, 404, 'BLOB_UNKNOWN', reference);
    return sendBlob(request, response, blob, 'application/octet-stream', reference);
  }
  const name = `${url.searchParams.get('ns') ?? defaultNamespace}/${repository}:${reference}`;
  const digest = reference.startsWith('sha256:') ? reference : layout.findImage(name)?.digest;
  const blob = digest === undefined ? undefined : layout.findBlob(digest);
  if (digest === undefined || blob === undefined) return sendError(response, 404, 'MANIFEST_UNKNOWN', name);
  return sendBlob(request, response, blob, manifestMediaType, digest);
}

/** Not yet listening: one server may be given to several addresses by `listenOn`. */
export function createImageRegistry(layout: ImageLayout): Server {
  return createServer((request, response) => handle(layout, request, response));
}
