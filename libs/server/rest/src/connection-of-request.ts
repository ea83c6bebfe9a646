/** Which connection a request came by: what is known of a connection is kept under this. */
import type { Http2ServerRequest, Http2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { IncomingRequest } from './request-body.js';

/** The socket of HTTP/1.1; the session of HTTP/2, whose requests have a `socket` each. Undefined when it is gone. */
export function connectionOf(request: IncomingRequest): Socket | Http2Session | undefined {
  return request.httpVersionMajor === 2 ? (request as Http2ServerRequest).stream.session : request.socket;
}
