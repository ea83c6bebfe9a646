/** What the head of a request asks for, once it has only one reading. */
import { badRequest } from '@periplus/api/meta';
import type { IncomingRequest } from './request-body.js';
import { parseRequestPath, type PathRequest, type ResourceRequest } from './request-path.js';

export interface RequestHead {
  readonly parsed: ResourceRequest | PathRequest;
  readonly query: URLSearchParams;
}

const pathLengthMax = 32 * 1024;
/** What stands unescaped in a URL. */
const urlPattern = /^\/[\x21-\x7e]*$/;

/** Throws `StatusError` 400 or 405. */
export function parseRequestHead(request: IncomingRequest): RequestHead {
  checkHost(request);
  const url = request.url ?? '/';
  if (url.length > pathLengthMax) throw badRequest('the path is too long');
  if (!urlPattern.test(url)) throw badRequest('the path must be absolute and escaped');
  const mark = url.indexOf('?');
  const query = new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1));
  return { parsed: parseRequestPath(request.method ?? 'GET', mark === -1 ? url : url.slice(0, mark), query), query };
}

/** Two hosts are two readings for whatever stands in front of this server. */
function checkHost(request: IncomingRequest): void {
  if (request.httpVersionMajor !== 1) return;
  let hosts = 0;
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    if (request.rawHeaders[index]!.toLowerCase() === 'host') hosts += 1;
  }
  if (hosts > 1 || (hosts === 0 && request.httpVersionMinor === 1)) throw badRequest('the request must name one host');
}
