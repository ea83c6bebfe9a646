/** Paths that are no resource: discovery, OpenAPI, version, health, metrics, the issuer's keys. */
import { unknownResource } from '@periplus/api/meta';
import type { UserInfo } from '@periplus/server/authn';
import type { AcceptedForm } from './negotiation.js';
import { negotiate } from './negotiation.js';
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

/** What a path answers with. */
export type PathAnswer =
  | { readonly type: 'json'; readonly value: object; readonly etag?: string; readonly immutable?: boolean }
  | { readonly type: 'bytes'; readonly contentType: string; readonly bytes: Uint8Array; readonly etag?: string }
  | { readonly type: 'text'; readonly code: number; readonly text: string; readonly contentType?: string };

/** The documents a server publishes; undefined where there is none under the path. */
export interface PublishedDocuments {
  /** Aggregated discovery where `form` asks for it. */
  discovery(path: string, form: AcceptedForm): { readonly value: object; readonly parameters: string } | undefined;
  openApi(path: string, query: URLSearchParams): object | undefined;
  /** `/version`. */
  version(): object;
  /** `/livez`, `/readyz`, `/healthz`, with their sub-paths. */
  health(path: string, verbose: boolean): Promise<PathAnswer | undefined>;
  metrics(): Promise<PathAnswer>;
  /** `/.well-known/openid-configuration` and `/openid/v1/jwks`. */
  issuer(path: string): object | undefined;
}

export interface PathRoutesOptions {
  readonly documents: PublishedDocuments;
  /** Throws 403 where the user may not. */
  readonly authorizePath: (user: UserInfo, verb: string, path: string) => void;
}

const discoveryRenderings = ['APIGroupDiscoveryList/v2', 'APIGroupDiscoveryList/v2beta1'] as const;

export function createPathRoutes({ documents, authorizePath }: PathRoutesOptions): PathRoutes {
  return {
    async serve({ user, path, query }, request, response) {
      const pathname = path.path.length > 1 ? path.path.replace(/\/+$/, '') : path.path;
      authorizePath(user, path.verb, path.path);
      if (request.method !== 'GET' && request.method !== 'HEAD') throw unknownResource();
      const answer = await find(pathname, query, request);
      if (answer === undefined) throw unknownResource();
      send(answer, request, response);
    },
  };

  async function find(
    pathname: string,
    query: URLSearchParams,
    request: IncomingRequest,
  ): Promise<Sendable | undefined> {
    if (pathname === '/version') return toSendable(documents.version());
    if (pathname === '/metrics') return fromAnswer(await documents.metrics());
    const first = pathname.split('/')[1];
    if (first === 'livez' || first === 'readyz' || first === 'healthz') {
      const answer = await documents.health(pathname, query.has('verbose'));
      return answer && fromAnswer(answer);
    }
    const issuer = documents.issuer(pathname);
    if (issuer) return toSendable(issuer);
    if (first === 'openapi') {
      const document = documents.openApi(pathname, query);
      return document && toSendable(document);
    }
    if (pathname === '/') return toSendable({ paths: rootPaths });
    const form = negotiate(request.headers.accept, discoveryRenderings);
    const discovery = documents.discovery(pathname, form);
    return discovery && { code: 200, ...renderJson(discovery.value, form, discovery.parameters) };
  }

  function toSendable(value: object): Sendable {
    return { code: 200, ...renderJson(value, { encoding: 'json', as: 'object', version: '' }, '') };
  }
}

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

interface Sendable {
  readonly code: number;
  readonly contentType: string;
  readonly chunks: readonly Uint8Array[];
}

function fromAnswer(answer: PathAnswer): Sendable {
  switch (answer.type) {
    case 'json':
      return { code: 200, ...renderJson(answer.value, { encoding: 'json', as: 'object', version: '' }, '') };
    case 'bytes':
      return { code: 200, contentType: answer.contentType, chunks: [answer.bytes] };
    case 'text':
      return {
        code: answer.code,
        contentType: answer.contentType ?? 'text/plain; charset=utf-8',
        chunks: [Buffer.from(answer.text)],
      };
  }
}

function send(answer: Sendable, request: IncomingRequest, response: OutgoingResponse): void {
  const body = answer.chunks.length === 1 ? answer.chunks[0]! : Buffer.concat(answer.chunks);
  response.writeHead(answer.code, {
    'content-type': answer.contentType,
    'content-length': String(body.length),
    'cache-control': 'no-cache, private',
  });
  response.end(request.method === 'HEAD' ? '' : body);
}
