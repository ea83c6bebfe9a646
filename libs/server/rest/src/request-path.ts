/** From method, path and query to what is asked: a resource of the API, or a path that is none. Pure. */
import { badRequest, methodNotAllowed } from '@periplus/api/meta';
import type { RequestTarget, RequestVerb } from '@periplus/server/requests';

export interface ResourceRequest {
  readonly type: 'resource';
  readonly verb: RequestVerb;
  readonly target: RequestTarget;
  /** Of a `proxy` subresource; `target.name` is then the bare name. */
  readonly proxy?: ProxyTarget;
}

/** The `scheme:name:port` of a proxied pod or service, and the path that follows. */
export interface ProxyTarget {
  readonly scheme: 'http' | 'https';
  /** A number, a port's name, or `''` for the first. */
  readonly port: string;
  /** With its leading slash; absent for a bare `…/proxy`. */
  readonly path?: string;
}

export interface PathRequest {
  readonly type: 'path';
  /** Lower-case method, as RBAC's verbs of non-resource URLs. */
  readonly verb: string;
  readonly path: string;
}

/** Subresources of a namespace, which must not be taken for the resource inside it. */
const namespaceSubresources = new Set(['status', 'finalize']);
/** Requests that are a stream or another server's answer. */
const connectSubresources = new Set(['exec', 'attach', 'portforward']);
const maxSegments = 64;
const methodLengthMax = 32;

/**
 * Throws `StatusError` 400 for a path with more than one reading: empty or dot segments, encoded slashes, bad escapes;
 * 405 for a method that no resource has.
 * Whether the resource exists is not checked here.
 */
export function parseRequestPath(
  method: string,
  pathname: string,
  query: URLSearchParams,
): ResourceRequest | PathRequest {
  const segments = pathname.slice(1).split('/');
  const isApi = segments[0] === 'api' && segments.length > 2 && segments[2] !== '';
  const isApis = segments[0] === 'apis' && segments.length > 3 && segments[3] !== '';
  if (!isApi && !isApis) return { type: 'path', verb: method.toLowerCase(), path: pathname };
  if (segments.length > maxSegments && !segments.includes('proxy')) throw badRequest('the path has too many segments');

  const group = isApi ? '' : segments[1]!;
  const version = isApi ? segments[1]! : segments[2]!;
  let parts = segments.slice(isApi ? 2 : 3);
  const isLegacyWatch = parts[0] === 'watch' && parts.length > 1;
  if (isLegacyWatch) parts = parts.slice(1);

  let namespace = '';
  if (parts[0] === 'namespaces' && parts.length > 2 && !namespaceSubresources.has(parts[2]!)) {
    namespace = decodeSegment(parts[1]!);
    parts = parts.slice(2);
  }
  const trailingSlash = parts.length > 1 && parts.at(-1) === '' && parts[2] !== 'proxy';
  if (trailingSlash) parts = parts.slice(0, -1);

  const resource = decodeSegment(parts[0]!);
  const name = parts.length > 1 ? decodeSegment(parts[1]!) : '';
  const subresource = parts.length > 2 ? decodeSegment(parts[2]!) : '';
  const rest = parts.slice(3);
  if (rest.length > 0 && subresource !== 'proxy') throw badRequest('the path has too many segments');
  const target: RequestTarget = { group, version, resource, subresource, namespace, name };

  if (subresource === 'proxy') {
    const { name: bareName, scheme, port } = parseProxyName(name);
    const path = parts.length > 3 ? `/${rest.join('/')}` : undefined;
    const proxy: ProxyTarget = { scheme, port, ...(path === undefined ? {} : { path }) };
    return { type: 'resource', verb: 'connect', target: { ...target, name: bareName }, proxy };
  }
  if (connectSubresources.has(subresource)) return { type: 'resource', verb: 'connect', target };
  return { type: 'resource', verb: verbOf(method, target, isLegacyWatch || isTrue(query.get('watch'))), target };
}

/** `name`, `name:port`, or `scheme:name:port`. */
function parseProxyName(text: string): { name: string; scheme: 'http' | 'https'; port: string } {
  const pieces = text.split(':');
  if (pieces.length === 1) return { name: text, scheme: 'http', port: '' };
  if (pieces.length === 2) return { name: pieces[0]!, scheme: 'http', port: pieces[1]! };
  const [scheme, name, port] = pieces;
  if (pieces.length !== 3 || (scheme !== 'http' && scheme !== 'https')) {
    throw badRequest(`invalid proxy target ${JSON.stringify(text)}: use name, name:port or scheme:name:port`);
  }
  return { name: name!, scheme, port: port! };
}

function decodeSegment(segment: string): string {
  let text: string;
  try {
    text = decodeURIComponent(segment);
  } catch {
    throw badRequest('the path has an invalid escape');
  }
  if (text === '' || text === '.' || text === '..' || text.includes('/') || text.includes('\0')) {
    throw badRequest('the path has an empty, dot or slash-bearing segment');
  }
  return text;
}

function verbOf(method: string, target: RequestTarget, watch: boolean): RequestVerb {
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (watch && target.subresource === '') return 'watch';
      return target.name === '' ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return target.name === '' ? 'deletecollection' : 'delete';
    default:
      throw methodNotAllowed(target, method.slice(0, methodLengthMax));
  }
}

/** As upstream reads a boolean query parameter: present without a value counts. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false';
}
