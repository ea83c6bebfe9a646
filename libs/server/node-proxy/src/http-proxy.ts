/** `…/proxy/path`: an ordinary HTTP request passed on to a pod, a service or a kubelet. */
import type { OutgoingHttpHeaders } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { serviceUnavailable } from '@periplus/api/meta';
import type { IncomingRequest, OutgoingResponse } from '@periplus/server/rest';
import { openRequest, responseOf, type UpstreamTarget } from './upstream-request.js';

/** Of one hop, or of this server's own business. */
const droppedHeaders = new Set([
  'authorization',
  'connection',
  'cookie',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** @param prefix the API path in front of the proxied one, put before absolute redirects. */
export async function proxyHttp(
  target: UpstreamTarget,
  prefix: string,
  request: IncomingRequest,
  response: OutgoingResponse,
): Promise<void> {
  const onward = openRequest(target, request.method ?? 'GET', passedHeaders(request.headers));
  response.once('close', () => onward.destroy());
  const answer = responseOf(onward, target);
  pipeline(request, onward).catch(() => onward.destroy());
  const incoming = await answer;
  const headers = passedHeaders(incoming.headers);
  const location = incoming.headers.location;
  if (location?.startsWith('/')) headers.location = `${prefix}${location}`;
  try {
    response.writeHead(incoming.statusCode ?? 502, headers);
  } catch (error) {
    incoming.destroy();
    throw serviceUnavailable('the answer of what is proxied is no HTTP', 1, error);
  }
  // From here on there is nobody to tell: a cut body says it.
  await pipeline(incoming, response as NodeJS.WritableStream).catch(() => response.destroy());
}

function passedHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): OutgoingHttpHeaders {
  const passed: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(':') || name.startsWith('impersonate-') || droppedHeaders.has(name))
      continue;
    passed[name] = value;
  }
  return passed;
}
