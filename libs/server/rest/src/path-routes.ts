/** Paths that are no resource: discovery, OpenAPI, version, health, metrics, the issuer's keys. */
import { notAcceptable, unknownResource } from '@periplus/api/meta';
import type { Publication } from '@periplus/api/schema';
import type { HealthQuestion } from '@periplus/base/telemetry';
import type { UserInfo } from '@periplus/server/authn';
import { type AcceptedForm, mediaTypes, negotiate, parseAccept } from './negotiation.js';
import { renderJson } from './rendering.js';
import type { IncomingRequest } from './request-body.js';
import type { PathRequest } from './request-path.js';
import type { OutgoingResponse } from './watch-response.js';

export interface PathContext {
  readonly user: UserInfo;
  readonly path: PathRequest;
  readonly query: URLSearchParams;
}

export interface PathRoutes {
  serve(context: PathContext, request: IncomingRequest, response: OutgoingResponse): Promise<void>;
}

export interface TextAnswer {
  readonly code: number;
  readonly text: string;
  readonly contentType: string;
}

export interface PathRoutesOptions {
  /** Discovery and OpenAPI of the kinds that are served at this moment. */
  readonly publication: () => Publication;
  /** `/version`. */
  readonly version: object;
  /** `/livez`, `/readyz`, `/healthz`; undefined for a sub-path that names no check. */
  readonly health: (question: HealthQuestion) => Promise<TextAnswer | undefined>;
  readonly metrics: () => Promise<TextAnswer>;
  /** `/.well-known/openid-configuration` and `/openid/v1/jwks`. */
  readonly issuer: (path: string) => object | undefined;
  /** Throws 403 where the user may not. */
  readonly authorizePath: (user: UserInfo, verb: string, path: string) => void;
}

interface Answer {
  readonly code: number;
  readonly contentType: string;
  readonly body: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

const plainJson: AcceptedForm = { encoding: 'json', as: 'object', version: '' };
const discoveryRenderings = ['APIGroupDiscoveryList/v2'] as const;
const aggregatedParameters = ';g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const openApiV2Protobuf = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
/** Its older name, which is no valid media type, and which clients still ask for. */
const openApiV2ProtobufOld = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
const rootPaths = [
  '/api',
  '/api/v1',
  '/apis',
  '/healthz',
  '/livez',
  '/metrics',
  '/openapi/v2',
  '/openapi/v3',
  '/readyz',
  '/version',
];

export function createPathRoutes(options: PathRoutesOptions): PathRoutes {
  async function find(path: string, query: URLSearchParams, request: IncomingRequest): Promise<Answer | undefined> {
    switch (path.split('/')[1]) {
      case '':
        return path === '/' ? toJson({ paths: rootPaths }) : undefined;
      case 'version':
        return path === '/version' ? toJson(options.version) : undefined;
      case 'metrics':
        return path === '/metrics' ? toText(await options.metrics()) : undefined;
      case 'livez':
      case 'readyz':
      case 'healthz': {
        const health = await options.health({ path, query });
        return health && toText(health);
      }
      case 'openapi':
        return findOpenApi(options.publication(), path, query, request);
      case 'api':
      case 'apis':
        return findDiscovery(options.publication(), path, negotiate(request.headers.accept, discoveryRenderings));
      default: {
        const document = options.issuer(path);
        return document && toJson(document);
      }
    }
  }

  return {
    async serve({ user, path, query }, request, response) {
      // What is authorized is what is served: one slash at the end means the same, anything else is another path.
      const pathname = path.path.length > 1 && path.path.endsWith('/') ? path.path.slice(0, -1) : path.path;
      options.authorizePath(user, path.verb, pathname);
      if (request.method !== 'GET' && request.method !== 'HEAD') throw unknownResource();
      const answer = await find(pathname, query, request);
      if (!answer) throw unknownResource();
      response.writeHead(answer.code, {
        'content-type': answer.contentType,
        'content-length': String(answer.body.length),
        'cache-control': 'no-cache, private',
        ...answer.headers,
      });
      response.end(request.method === 'HEAD' ? '' : answer.body);
    },
  };
}

function findDiscovery(publication: Publication, path: string, form: AcceptedForm): Answer | undefined {
  const [, root, first, second, ...rest] = path.split('/');
  if (rest.length > 0) return undefined;
  if (first === undefined) {
    if (form.as !== 'object')
      return toJson(publication.aggregatedDiscovery(root as 'api' | 'apis'), form, aggregatedParameters);
    return toJson(root === 'api' ? publication.apiVersions() : publication.apiGroupList(), form);
  }
  const document =
    root === 'api'
      ? second === undefined
        ? publication.apiResourceList('', first)
        : undefined
      : second === undefined
        ? publication.apiGroup(first)
        : publication.apiResourceList(first, second);
  return document && toJson(document, { ...form, as: 'object' });
}

function findOpenApi(
  publication: Publication,
  path: string,
  query: URLSearchParams,
  request: IncomingRequest,
): Answer | undefined {
  if (path === '/openapi/v3') return toJson(publication.openApiV3Index());
  if (path === '/openapi/v2') {
    if (openApiV2Form(request.headers.accept) === 'json') return jsonDocument(publication.openApiV2(), request, false);
    const { bytes, hash } = publication.openApiV2Protobuf();
    return toDocument({ contentType: openApiV2Protobuf, body: () => bytes, hash }, request, false);
  }
  const prefix = '/openapi/v3/';
  const document = path.startsWith(prefix) ? publication.openApiV3(path.slice(prefix.length)) : undefined;
  return document && jsonDocument(document, request, query.get('hash') === document.hash);
}

function openApiV2Form(accept: string | undefined): 'json' | 'protobuf' {
  for (const { type } of parseAccept(accept)) {
    if (type === mediaTypes.json || type === 'application/*' || type === '*/*') return 'json';
    if (type === openApiV2Protobuf || type === openApiV2ProtobufOld) return 'protobuf';
  }
  throw notAcceptable(`only the following media types are accepted: ${mediaTypes.json}, ${openApiV2Protobuf}`);
}

interface Document {
  readonly contentType: string;
  readonly body: () => Uint8Array;
  readonly hash: string;
}

const jsonDocument = (
  { json, hash }: { readonly json: string; readonly hash: string },
  request: IncomingRequest,
  isPinned: boolean,
): Answer => toDocument({ contentType: mediaTypes.json, body: () => Buffer.from(json), hash }, request, isPinned);

/** @param isPinned asked for by its hash: it will never change under this URL. */
function toDocument(document: Document, request: IncomingRequest, isPinned: boolean): Answer {
  const { contentType } = document;
  const etag = JSON.stringify(document.hash);
  const headers = { etag, vary: 'Accept', ...(isPinned ? { 'cache-control': 'public, immutable' } : {}) };
  if (request.headers['if-none-match'] === etag) return { code: 304, contentType, body: new Uint8Array(), headers };
  return { code: 200, contentType, body: document.body(), headers };
}

function toJson(value: object, form: AcceptedForm = plainJson, parameters = ''): Answer {
  const { contentType, chunks } = renderJson(value, form, parameters);
  return { code: 200, contentType, body: Buffer.concat(chunks) };
}

function toText({ code, text, contentType }: TextAnswer): Answer {
  return { code, contentType, body: Buffer.from(text) };
}
