/** Paths that are no resource: discovery, OpenAPI, version, health, metrics, the issuer's keys. */
import { unknownResource } from '@periplus/api/meta';
import type { Publication } from '@periplus/api/schema';
import type { HealthQuestion } from '@periplus/base/telemetry';
import type { UserInfo } from '@periplus/server/authn';
import { sendAnswer } from './answer-body.js';
import { answerDiscovery } from './discovery-routes.js';
import { mediaTypes } from './negotiation.js';
import { answerOpenApi } from './openapi-routes.js';
import { jsonAnswer, type PathAnswer } from './path-answer.js';
import { methodNotAllowedHere } from './path-method.js';
import { indentJson, wantsPretty } from './pretty-json.js';
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

const ownPaths = [
  '/.well-known/openid-configuration',
  '/healthz',
  '/livez',
  '/metrics',
  '/openapi/v2',
  '/openapi/v3',
  '/openid/v1/jwks',
  '/readyz',
  '/version',
];

export function createPathRoutes(options: PathRoutesOptions): PathRoutes {
  async function find(path: string, query: URLSearchParams, request: IncomingRequest): Promise<PathAnswer | undefined> {
    switch (path.split('/')[1]) {
      case '':
        return path === '/' ? forPeople({ paths: rootPaths(options.publication()) }) : undefined;
      case 'version':
        return path === '/version' ? forPeople(options.version) : undefined;
      case 'metrics':
        return path === '/metrics' ? toText(await options.metrics()) : undefined;
      case 'livez':
      case 'readyz':
      case 'healthz': {
        const health = await options.health({ path, query });
        return health && toText(health);
      }
      case 'openapi':
        return answerOpenApi(options.publication(), path, query, request);
      case 'api':
      case 'apis':
        return answerDiscovery(options.publication(), path, request);
      default: {
        const document = options.issuer(path);
        return document && jsonAnswer(document);
      }
    }
  }

  return {
    async serve({ user, path, query }, request, response) {
      // What is authorized is what is served: one slash at the end means the same, anything else is another path.
      const pathname = path.path.length > 1 && path.path.endsWith('/') ? path.path.slice(0, -1) : path.path;
      options.authorizePath(user, path.verb, pathname);
      const found = await find(pathname, query, request);
      if (!found) throw unknownResource();
      if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowedHere();
      const answer = indentedFor(found, query, request);
      await sendAnswer(request, response, {
        code: answer.code,
        headers: { 'content-type': answer.contentType, 'cache-control': 'no-cache, private', ...answer.headers },
        chunks: [answer.body],
      });
    },
  };
}

function indentedFor(answer: PathAnswer, query: URLSearchParams, request: IncomingRequest): PathAnswer {
  const isIndented =
    answer.indented === 'always' ||
    (answer.indented === 'when asked for' && wantsPretty(query, request.headers['user-agent']));
  return isIndented && answer.contentType.startsWith(mediaTypes.json)
    ? { ...answer, body: indentJson(answer.body) }
    : answer;
}

/** Everything that can be asked for, but for what is below groups' versions and single checks. */
function rootPaths(publication: Publication): string[] {
  const groups = publication.apiGroupList().groups ?? [];
  const ofGroups = groups.flatMap(({ name, versions }) => [
    `/apis/${name}`,
    ...(versions ?? []).map(({ groupVersion }) => `/apis/${groupVersion}`),
  ]);
  return ['/api', '/api/v1', '/apis', ...ofGroups, ...ownPaths].sort();
}

function toText({ code, text, contentType }: TextAnswer): PathAnswer {
  return { code, contentType, body: Buffer.from(text) };
}

const forPeople = (value: object): PathAnswer => ({ ...jsonAnswer(value), indented: 'always' });
